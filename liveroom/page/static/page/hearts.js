/** The heart: taps, the total, and hearts that rise from it. Who asked for less motion sees the number alone. */

import { byId, icon } from "./dom.js";

const MOST = 14;
const RISE_MS = 1_900;
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

export class Hearts {
  #button = byId("like");
  #count = byId("like-count");
  #layer = byId("hearts");
  #flying = 0;
  #hue = 0;
  #still;

  /** `tap()` for every tap that counts. */
  constructor({ tap, still = matchMedia("(prefers-reduced-motion: reduce)") }) {
    this.#still = still;
    this.#button.addEventListener("click", () => tap());
  }

  /** The room's total; 0 shows no number. */
  set total(total) {
    const shown = total > 0 ? compact.format(total) : "";
    this.#count.textContent = shown;
    this.#count.hidden = shown === "";
    const words = total === 1 ? "1 like" : `${total.toLocaleString()} likes`;
    this.#button.title = words;
    this.#button.setAttribute("aria-label", total > 0 ? `Like. ${words} so far` : "Like");
  }

  set closed(closed) {
    this.#button.disabled = closed;
  }

  /** One's own taps, or a few for those of others: a wall of hearts says no more. */
  rise(hearts) {
    for (let one = 0; one < Math.min(hearts, 3); one += 1) setTimeout(() => this.#one(), one * 180);
  }

  #one() {
    if (this.#still.matches || document.hidden || this.#flying >= MOST) return;
    const heart = icon("heart");
    heart.classList.add("heart");
    this.#hue = (this.#hue + 47) % 90;
    heart.style.color = `hsl(${320 + this.#hue} 90% 68%)`;
    this.#layer.append(heart);
    this.#flying += 1;
    const sway = Math.random() * -60 + 12;
    const path = [
      { transform: "translate(0, 0) scale(0.4)", opacity: 0 },
      { transform: `translate(${sway * 0.4}px, -40px) scale(1)`, opacity: 1, offset: 0.2 },
      { transform: `translate(${sway}px, -190px) scale(1.15)`, opacity: 0 },
    ];
    heart.animate(path, { duration: RISE_MS, easing: "ease-out" }).onfinish = () => {
      this.#flying -= 1;
      heart.remove();
    };
  }
}
