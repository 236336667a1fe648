/**
 * What was heard beside a recording: read in windows of some seconds, told once, in order, at its moment.
 *
 * `ask({ from, to, before })` answers a window of the server. After `seek` what comes later is told by `advance`; what it has told
 * is not told again until the next seek. What has not arrived yet is waited for: it is told late, never left out.
 */

const LINES = 100;
const LISTED = new Set(["comment", "gift"]);
const STANDING = new Set(["notice", "pin"]);
const MOST_WINDOWS = 40;
const AGAIN_MS = 2_000;
// A window holds about so many events at most: a seek waits for one.
const WINDOWS_MS = [30_000, 15_000, 5_000];
const HOLDS = 600;

/** How long the windows of a recording are, by how much was said at its loudest; always the same, so that what was read is found again. */
export function windowOf({ density, duration_ms: durationMs }) {
  const perMs = (Math.max(0, ...density) * density.length) / Math.max(1, durationMs);
  return WINDOWS_MS.find((ms) => perMs * ms <= HOLDS) ?? WINDOWS_MS.at(-1);
}

/** The total at that moment, in a straight line from point to point ({ at_ms, total }, rising). */
export function likesAt(points, ms) {
  let before = null;
  for (const point of points) {
    if (point.at_ms > ms) {
      if (before === null) return 0;
      const part = (ms - before.at_ms) / (point.at_ms - before.at_ms);
      return before.total + Math.floor((point.total - before.total) * part);
    }
    before = point;
  }
  return before?.total ?? 0;
}

export class Track {
  #ask;
  #windowMs;
  #windows = new Map();
  #lines = new Map();
  #turn = 0;
  #told = -1;
  #place = 0;

  constructor({ ask, windowMs = WINDOWS_MS[0] }) {
    [this.#ask, this.#windowMs] = [ask, windowMs];
  }

  /** Up to where everything has been told. */
  get toldMs() {
    return this.#told;
  }

  /**
   * From here on. Answers { lines, standing }: the last lines up to that moment, the notice and the pin then; null where another
   * seek came meanwhile. Rejects where the server refuses.
   */
  async seek(ms) {
    const turn = ++this.#turn;
    const start = ms - (ms % this.#windowMs);
    this.#told = Infinity;
    const [events, before] = await Promise.all([this.#window(start), this.#before(start)]);
    if (turn !== this.#turn) return null;
    this.#told = ms;
    const heard = events.filter(({ at_ms: at }) => at <= ms);
    this.#place = heard.length;
    this.#fetchNext(start);
    return {
      lines: [...before.earlier, ...heard.filter(({ type }) => LISTED.has(type))].slice(-2 * LINES),
      standing: [...before.standing, ...heard.filter(({ type }) => STANDING.has(type))],
    };
  }

  /** Everything that is due up to that moment and was not told. */
  advance(ms) {
    const due = [];
    while (ms > this.#told) {
      const start = this.#told - (this.#told % this.#windowMs);
      const window = this.#windows.get(start);
      if (!window?.events) {
        this.#window(start).catch(() => {});
        break;
      }
      const end = start + this.#windowMs;
      while (this.#place < window.events.length && window.events[this.#place].at_ms <= ms) {
        due.push(window.events[this.#place]);
        this.#place += 1;
      }
      if (ms < end) {
        this.#told = ms;
        if (ms > start + this.#windowMs / 3) this.#fetchNext(start);
        break;
      }
      this.#told = end;
      this.#place = 0;
    }
    return due;
  }

  #fetchNext(start) {
    this.#window(start + this.#windowMs).catch(() => {});
  }

  /** Its events; asked for once, and again a while after it failed. */
  #window(start) {
    const known = this.#windows.get(start);
    if (known && (known.events || known.asked || Date.now() < known.again)) return known.promise;
    const window = { events: null, asked: true, again: 0 };
    window.promise = this.#read(start).then(
      (events) => {
        Object.assign(window, { events, asked: false });
        return events;
      },
      (error) => {
        Object.assign(window, { asked: false, again: Date.now() + AGAIN_MS });
        throw error;
      },
    );
    this.#windows.delete(start);
    this.#windows.set(start, window);
    if (this.#windows.size > MOST_WINDOWS) this.#windows.delete(this.#windows.keys().next().value);
    return window.promise;
  }

  /** An answer may go less far than asked: on from there. */
  async #read(start) {
    const events = [];
    const end = start + this.#windowMs;
    for (let from = start; from < end; ) {
      const answer = await this.#ask({ from, to: end, before: 0 });
      events.push(...answer.events);
      from = answer.to_ms > from ? answer.to_ms : end;
    }
    return events;
  }

  #before(start) {
    if (!this.#lines.has(start)) {
      const asked = this.#ask({ from: start, to: start, before: LINES });
      asked.catch(() => this.#lines.delete(start));
      this.#lines.set(start, asked);
      if (this.#lines.size > MOST_WINDOWS) this.#lines.delete(this.#lines.keys().next().value);
    }
    return this.#lines.get(start);
  }
}
