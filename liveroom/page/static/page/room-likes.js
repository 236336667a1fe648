/**
 * Taps become sums: one command at most every half a second, and the number moves with the tap.
 *
 * No tap is lost without a word: what was not sent yet waits for the next connection, what the server refused for a while
 * is sent again after it, and a sum whose answer never came is reported, because nobody knows whether it was counted.
 */

const APART_MS = 500;
// What the server takes in one command.
const MOST = 1_000;

function openSum() {
  const sum = { count: 0 };
  sum.promise = new Promise((resolve, reject) => Object.assign(sum, { resolve, reject }));
  // Who does not care about the answer of a tap should not read of it in the console.
  sum.promise.catch(() => {});
  return sum;
}

export class LikeSum {
  #ask;
  #told;
  #known = 0;
  #waiting = null;
  #flying = 0;
  #open = false;
  #timer = 0;
  #notBefore = 0;

  /** `ask(count)` sends one sum and gives its answer; `told(error?)` hears of every change of `total`. */
  constructor({ ask, told }) {
    this.#ask = ask;
    this.#told = told;
  }

  /** The room's likes with one's own that are still on their way. */
  get total() {
    return this.#known + this.#flying + (this.#waiting?.count ?? 0);
  }

  /** What the server says. It never falls while one is connected; a `fresh` snapshot may know better. */
  know(total, { fresh = false } = {}) {
    if (!Number.isFinite(total)) return;
    const known = fresh ? total : Math.max(this.#known, total);
    if (known === this.#known) return;
    this.#known = known;
    this.#told();
  }

  /** Resolves with { total, counted } of the sum that holds this tap; rejects where it was not counted, or nobody knows. */
  tap(count) {
    const before = this.#waiting?.count ?? 0;
    if (!Number.isInteger(count) || count < 1 || before + count > MOST) {
      throw new RangeError(`Likes are whole numbers; ${MOST} at most wait at a time, and ${before} do.`);
    }
    this.#waiting ??= openSum();
    const { promise } = this.#waiting;
    this.#waiting.count += count;
    this.#plan();
    this.#told();
    return promise;
  }

  /** In the room: what waits goes out. */
  open() {
    this.#open = true;
    this.#plan();
  }

  /** The line broke. What is on its way is answered by `ask`; what waits, waits. */
  shut() {
    this.#open = false;
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  /** Nobody will come back into this room: what waits is reported. */
  fail(error) {
    this.shut();
    const sum = this.#waiting;
    this.#waiting = null;
    if (sum === null) return;
    sum.reject(error);
    this.#told(error);
  }

  #plan() {
    if (!this.#open || this.#waiting === null || this.#timer !== 0) return;
    const pause = this.#notBefore - Date.now();
    if (pause <= 0) {
      this.#send();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#plan();
    }, pause);
  }

  async #send() {
    const sum = this.#waiting;
    const { count } = sum;
    this.#waiting = null;
    this.#flying += count;
    this.#notBefore = Date.now() + APART_MS;
    let failed;
    try {
      const answer = await this.#ask(count);
      if (Number.isFinite(answer.total)) this.#known = Math.max(this.#known, answer.total);
      sum.resolve({ total: answer.total, counted: answer.counted ?? count });
    } catch (error) {
      // Refused for a while is surely not counted; after any other error nobody knows.
      if (error.kind !== "too_often" || !this.#again(sum, error.retryAfterMs)) sum.reject((failed = error));
    }
    this.#flying -= count;
    this.#told(failed);
    this.#plan();
  }

  /** It goes with the next one; false where that would be more than fits. */
  #again(sum, ms) {
    const later = this.#waiting;
    if ((later?.count ?? 0) + sum.count > MOST) return false;
    this.#notBefore = Date.now() + Math.max(ms, APART_MS);
    if (later === null) {
      this.#waiting = sum;
    } else {
      later.count += sum.count;
      later.promise.then(sum.resolve, sum.reject);
    }
    return true;
  }
}
