/**
 * Which of the ways a picture comes: the nearest that the network holds. Pure: `now` is milliseconds, `names` are ways, nearest first.
 *
 * A way that stalls again and again gives way to the next, which keeps more in store; after a while of calm the nearer one is tried
 * again, each time after a longer while. A way that fails (it does not come through, it cannot be read) is left for good.
 */

const STALLS = 3;
const WITHIN_MS = 30_000;
const CALM_MS = 60_000;
const MOST_CALM_MS = 600_000;

export class Ways {
  #at = 0;
  #failed = false;
  #stalls = [];
  #calmSince = 0;
  #calm = CALM_MS;
  #nearerAt = -Infinity;

  /** The one to take of these. */
  of(names) {
    return names[this.#at % names.length];
  }

  /** This one failed. */
  next() {
    this.#at += 1;
    this.#failed = true;
    this.#stalls = [];
  }

  /** The picture stood still for want of data. True: the next way is to be taken now. */
  stalled(names, now) {
    this.#calmSince = now;
    this.#stalls = [...this.#stalls.filter((at) => now - at < WITHIN_MS), now];
    if (this.#stalls.length < STALLS || (this.#at % names.length) + 1 >= names.length) return false;
    if (now - this.#nearerAt < CALM_MS) this.#calm = Math.min(2 * this.#calm, MOST_CALM_MS);
    this.#at += 1;
    this.#stalls = [];
    return true;
  }

  /** The picture moves. True: the nearer way is to be tried again now. */
  moves(now) {
    if (this.#at === 0 || this.#failed || now - (this.#calmSince ||= now) < this.#calm) return false;
    this.#at -= 1;
    this.#stalls = [];
    this.#calmSince = this.#nearerAt = now;
    return true;
  }

  /** Another picture, or another choice by hand. */
  reset() {
    this.#at = 0;
    this.#failed = false;
    this.#stalls = [];
    this.#calmSince = 0;
    this.#calm = CALM_MS;
  }
}
