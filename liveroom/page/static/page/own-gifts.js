/**
 * One's own gifts are shown once: at once from the receipt, and not again when the room is told of them.
 *
 * The two do not name each other: a receipt is about one purchase, the room hears of many together. What both count are gifts
 * of one kind, so they are set off against each other: what was shown from receipts is not shown again, and what the room
 * told before its receipt came (another answer was faster) is not shown by the receipt. What is left over was bought in
 * another window. Pure; `now` in ms.
 */

/** As long as the room's running number goes on (rules/combos.py). */
const STREAK_MS = 5_000;
/** The room was told nothing of it: it was left out in a break of the line. */
const FORGET_MS = 180_000;

export class OwnGifts {
  #kinds = new Map();

  #of(code) {
    if (!this.#kinds.has(code)) this.#kinds.set(code, { flying: 0, ahead: 0, waiting: 0, run: 0, at: -Infinity });
    return this.#kinds.get(code);
  }

  /** A purchase is on its way. */
  sent(code, count) {
    this.#of(code).flying += count;
  }

  /** It was refused, or nobody will ever know. */
  failed(code, count) {
    const kind = this.#of(code);
    kind.flying = Math.max(0, kind.flying - count);
    kind.ahead = Math.min(kind.ahead, kind.flying);
  }

  /** Paid: the running number to show, or 0 where the room showed it already. `runs`: the gift counts on. */
  paid(code, count, { runs, now }) {
    const kind = this.#of(code);
    const known = Math.min(kind.ahead, count);
    kind.flying = Math.max(0, kind.flying - count);
    kind.ahead -= known;
    kind.waiting += count - known;
    if (known === count) return 0;
    kind.run = runs && now - kind.at <= STREAK_MS ? kind.run + count : count;
    kind.at = now;
    return kind.run;
  }

  /** What the room hears of one's own gifts: { show, combo }; not to `show`: only the number may have moved. */
  told({ code, count, combo }, now) {
    const kind = this.#of(code);
    if (now - kind.at > FORGET_MS) kind.waiting = 0;
    const echoed = Math.min(kind.waiting, count);
    kind.waiting -= echoed;
    const rest = count - echoed;
    kind.ahead += Math.min(rest, kind.flying - kind.ahead);
    // While receipts are ahead of the room their number is the newer one; then the room's is the truth.
    kind.run = kind.waiting > 0 ? Math.max(kind.run, combo) : combo;
    if (rest > 0) kind.at = now;
    return { show: rest > 0, combo: kind.run };
  }

  /** A new snapshot: what the room will never tell is not waited for. */
  forget() {
    for (const kind of this.#kinds.values()) kind.waiting = kind.ahead = 0;
  }
}
