/** Banners that slide in over the picture, each with a number that jumps while the same gifts go on. */

import { avatar, element } from "./dom.js";
import { giftPicture, times } from "./gift-look.js";
import { BannerQueue } from "./gift-queues.js";

export class Banners {
  #layer;
  #queue;
  #nodes = new Map();
  #timer = 0;
  #still;

  constructor({ layer, places = 3, still = matchMedia("(prefers-reduced-motion: reduce)") }) {
    [this.#layer, this.#still] = [layer, still];
    this.#queue = new BannerQueue({ places });
  }

  /** `gift`: as of giftOf, with `own`. Nothing is kept for a page that nobody looks at. */
  add(gift) {
    if (document.hidden) return;
    this.#queue.add(gift, Date.now());
    this.#draw();
  }

  renumber(key, combo) {
    if (this.#queue.renumber(key, combo)) this.#draw();
  }

  clear() {
    this.#queue.clear();
    this.#draw();
  }

  #draw() {
    clearTimeout(this.#timer);
    const now = Date.now();
    const next = this.#queue.turn(now);
    const keys = new Set(this.#queue.shown.map(({ key }) => key));
    for (const [key, banner] of this.#nodes) if (!keys.has(key)) this.#leave(key, banner);
    for (const entry of this.#queue.shown) this.#show(entry);
    if (next !== Infinity) this.#timer = setTimeout(() => this.#draw(), Math.max(50, next - now));
  }

  #show(entry) {
    const there = this.#nodes.get(entry.key);
    if (!there) {
      const number = element("b", { class: "gift-number", text: times(entry.combo) });
      const words = element(
        "span", { class: "words" },
        element("bdi", { class: "nick", text: entry.nick }),
        element("span", { class: "what" }, "sent ", element("bdi", { text: entry.name })),
      );
      const sign = avatar({ id: entry.user, nick: entry.nick, avatar: entry.avatar });
      const node = element("li", { class: entry.own ? "gift-banner own" : "gift-banner" }, sign, words, giftPicture(entry), number);
      this.#nodes.set(entry.key, { node, number, combo: entry.combo });
      this.#layer.append(node);
      return;
    }
    if (there.combo === entry.combo) return;
    there.combo = entry.combo;
    there.number.textContent = times(entry.combo);
    if (this.#still.matches) return;
    there.number.animate([{ scale: 1.7 }, { scale: 0.92, offset: 0.6 }, { scale: 1 }], { duration: 260, easing: "ease-out" });
  }

  #leave(key, { node }) {
    this.#nodes.delete(key);
    if (this.#still.matches || document.hidden) {
      node.remove();
      return;
    }
    node.animate([{ opacity: 1 }, { opacity: 0, translate: "0 -10px" }], { duration: 220, fill: "forwards" }).onfinish = () => node.remove();
  }
}
