/** The round button that says "again": it stays while its ring shrinks, and every click of the same gift fills the ring. */

import { byId, element } from "./dom.js";
import { giftPicture, times } from "./gift-look.js";

const OPEN_MS = 4_000;

export class ComboButton {
  #button = byId("combo");
  #number = byId("combo-number");
  #ring = byId("combo-ring");
  #gift = null;
  #clicks = 0;
  #timer = 0;
  #shrinks = null;

  /** `again(gift, count)` for a click; `over(gift, number)` when the ring is empty. */
  constructor({ again, over }) {
    this.#button.addEventListener("click", () => this.#gift && again(this.#gift, this.#gift.times));
    this.over = over;
  }

  /** Another one of `gift` (its `times` at a click), bought just now. */
  count(gift) {
    if (!gift.combo) {
      this.close();
      return;
    }
    const same = this.#gift?.code === gift.code && this.#gift.times === gift.times;
    if (!same) {
      this.close();
      byId("combo-picture").replaceChildren(giftPicture(gift));
    }
    this.#gift = gift;
    this.#clicks = same ? this.#clicks + gift.times : gift.times;
    this.#number.textContent = times(this.#clicks);
    this.#button.setAttribute("aria-label", `Send ${gift.name} again; ${this.#clicks} sent`);
    this.#button.hidden = false;
    this.#shrinks?.cancel();
    this.#shrinks = this.#ring.animate([{ strokeDashoffset: 0 }, { strokeDashoffset: 100 }], { duration: OPEN_MS, fill: "forwards" });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), OPEN_MS);
  }

  close() {
    clearTimeout(this.#timer);
    const [gift, clicks] = [this.#gift, this.#clicks];
    this.#gift = null;
    this.#clicks = 0;
    // Who has the button under the finger keeps a place to go on from.
    if (document.activeElement === this.#button) byId("gift-open").focus({ preventScroll: true });
    this.#button.hidden = true;
    if (gift) this.over(gift, clicks);
  }
}
