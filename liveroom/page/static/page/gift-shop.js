/**
 * Purchases, one after the other: each has one key, which a retry repeats, so that nothing is paid twice.
 *
 * What is bought shows in the balance at once. No purchase is lost without a word: where no answer came it is tried again with
 * the same key, and after the last try it waits for a word of the viewer. Pure but for the timer.
 */

import { newId } from "./api.js";

const TRIES = 5;
const APART_MS = 600;
const MOST_APART_MS = 8_000;
const MOST_WAITING = 200;

export class Shop {
  #post;
  #told;
  #newKey;
  #pause;
  #queue = [];
  #busy = false;
  #balance = null;

  /**
   * `post({ gift, count, key })` gives the receipt or rejects with an ApiError. `told(what, purchase, more)` hears `sent`, `paid`
   * (the receipt), `refused` (the error; 402: nothing behind it was tried either), `unknown` (no answer; `retry` and `drop` end
   * it), `balance`.
   */
  constructor({ post, told, newKey = newId, pause = (ms) => new Promise((done) => setTimeout(done, ms)) }) {
    [this.#post, this.#told, this.#newKey, this.#pause] = [post, told, newKey, pause];
  }

  /** What is left with all that is on its way; null: not known. */
  get balance() {
    if (this.#balance === null) return null;
    return this.#queue.reduce((left, { price, count }) => left - price * count, this.#balance);
  }

  set balance(balance) {
    this.#balance = Number.isSafeInteger(balance) ? balance : null;
    this.#told("balance");
  }

  /** How many purchases have no answer yet. */
  get waiting() {
    return this.#queue.length;
  }

  /** A purchase, or null where so many wait that another would only be lost among them. */
  buy({ gift, count, price }) {
    if (this.#queue.length >= MOST_WAITING) return null;
    const purchase = { gift, count, price, key: this.#newKey() };
    this.#queue.push(purchase);
    this.#told("sent", purchase);
    this.#told("balance");
    this.#work();
    return purchase;
  }

  /** Once more, all that got no answer, each with its own key. */
  retry() {
    this.#work();
  }

  /** The viewer does not want to know any more. */
  drop() {
    for (const purchase of this.#queue.splice(0)) this.#told("refused", purchase, { dropped: true });
    this.#told("balance");
  }

  async #work() {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#queue.length && (await this.#first(this.#queue[0])));
    this.#busy = false;
  }

  /** False where it has to wait for the viewer. */
  async #first(purchase) {
    for (let tried = 1; ; tried += 1) {
      try {
        this.#paid(purchase, await this.#post(purchase));
        return true;
      } catch (error) {
        if (!error.passes) {
          this.#refused(purchase, error);
          return true;
        }
        if (tried === TRIES) {
          this.#told("unknown", purchase, { error });
          return false;
        }
        await this.#pause(Math.max(error.retryAfterMs, Math.min(MOST_APART_MS, APART_MS * 2 ** (tried - 1))));
        if (this.#queue[0] !== purchase) return true;
      }
    }
  }

  #paid(purchase, receipt) {
    if (this.#queue[0] !== purchase) return;
    this.#queue.shift();
    if (Number.isSafeInteger(receipt?.balance)) this.#balance = receipt.balance;
    this.#told("paid", purchase, { receipt: receipt ?? {} });
    this.#told("balance");
  }

  #refused(purchase, error) {
    if (this.#queue[0] !== purchase) return;
    // What costs as much or more would be refused the same way.
    const dear = (one) => error.status === 402 && one.price * one.count >= purchase.price * purchase.count;
    const same = (one) => one === purchase || one.gift === purchase.gift || dear(one);
    const gone = this.#queue.filter(same);
    this.#queue = this.#queue.filter((one) => !same(one));
    for (const one of gone) this.#told("refused", one, { error, quiet: one !== purchase });
    this.#told("balance");
  }
}
