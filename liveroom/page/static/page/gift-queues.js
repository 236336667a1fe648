/**
 * Which gifts are over the picture, and which wait for it: bounded, the most valuable first, one's own before all. Pure.
 *
 * One user's gifts of one kind are one banner, whose number goes on; as an effect they play once more, however many came.
 */

const STAY_MS = 4_500;
const STAY_WHEN_OTHERS_WAIT_MS = 2_500;
const LONGEST_MS = 20_000;
const MOST_WAITING = 8;

function byRank(a, b) {
  return Number(b.own) - Number(a.own) || b.value - a.value || a.since - b.since;
}

/** Into a bounded list: its order is the rank; what does not fit is the least of all. */
function enqueue(list, entry, most) {
  list.push(entry);
  list.sort(byRank);
  return list.length > most ? list.pop() : null;
}

/** Banners: `shown` and `waiting` are lists of { key, combo, value, own, until, ... }. */
export class BannerQueue {
  shown = [];
  waiting = [];
  #places;

  constructor({ places = 3 } = {}) {
    this.#places = places;
  }

  /** `shown`, `updated`, `waits` or `left out`. `gift`: as of giftOf, with `own`. */
  add(gift, now) {
    const there = this.shown.find(({ key }) => key === gift.key);
    const waits = there ?? this.waiting.find(({ key }) => key === gift.key);
    if (waits) {
      Object.assign(waits, gift, { value: waits.value + gift.value, combo: gift.combo });
      if (there) there.until = Math.min(now + this.#stay, there.since + LONGEST_MS);
      else this.waiting.sort(byRank);
      return there ? "updated" : "waits";
    }
    const entry = { ...gift, since: now, until: 0 };
    if (this.shown.length < this.#places) {
      this.#show(entry, now);
      return "shown";
    }
    return enqueue(this.waiting, entry, MOST_WAITING) === entry ? "left out" : "waits";
  }

  /** Only the number of what is there moves; nothing comes into view by it. */
  renumber(key, combo) {
    const entry = [...this.shown, ...this.waiting].find((one) => one.key === key);
    if (!entry || entry.combo === combo) return false;
    entry.combo = combo;
    return true;
  }

  /** Those whose time is over go, and others come; the answer is when to look again, Infinity: nothing is there. */
  turn(now) {
    this.shown = this.shown.filter(({ until }) => until > now);
    while (this.waiting.length && this.shown.length < this.#places) this.#show(this.waiting.shift(), now);
    return Math.min(Infinity, ...this.shown.map(({ until }) => until));
  }

  clear() {
    this.shown = [];
    this.waiting = [];
  }

  get #stay() {
    return this.waiting.length ? STAY_WHEN_OTHERS_WAIT_MS : STAY_MS;
  }

  #show(entry, now) {
    entry.since = now;
    entry.until = now + this.#stay;
    this.shown.push(entry);
  }
}

/** Effects: one at a time. */
export class EffectQueue {
  waiting = [];
  #most;

  constructor({ most = 5 } = {}) {
    this.#most = most;
  }

  /** False where it is left out; more of what waits already adds to its value. */
  add(gift, now) {
    const there = this.waiting.find(({ key }) => key === gift.key);
    if (there) {
      there.value += gift.value;
      this.waiting.sort(byRank);
      return true;
    }
    const entry = { ...gift, since: now };
    return enqueue(this.waiting, entry, this.#most) !== entry;
  }

  next() {
    return this.waiting.shift() ?? null;
  }

  clear() {
    this.waiting = [];
  }
}
