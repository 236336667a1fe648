/**
 * Full effects over the picture: Lottie, one at a time, the queue bounded. Where a file cannot be played nothing is shown here;
 * the gift's banner is there anyway. Who asked for less motion sees the banner alone.
 */

import { EffectFiles } from "./effect-files.js";
import { script } from "./engines.js";
import { EffectQueue } from "./gift-queues.js";

const SLOW_MS = 3_000;

export class Effects {
  #layer;
  #vendor;
  #home;
  #queue = new EffectQueue();
  #files = new EffectFiles();
  #playing = false;
  #end = null;
  #still;

  /** `vendor.lottie`: the player's address; `home`: how this site calls itself in what it sends. */
  constructor({ layer, vendor, home = location.origin, still = matchMedia("(prefers-reduced-motion: reduce)") }) {
    [this.#layer, this.#vendor, this.#home, this.#still] = [layer, vendor, home, still];
  }

  /** `gift`: as of giftOf, with `own`. */
  add(gift) {
    if (!gift.effect || this.#still.matches || document.hidden) return;
    if (this.#queue.add(gift, Date.now()) && !this.#playing) this.#next();
  }

  clear() {
    this.#queue.clear();
    this.#end?.();
  }

  async #next() {
    this.#playing = true;
    for (let gift = this.#queue.next(); gift; gift = this.#queue.next()) {
      try {
        await this.#play(await this.#files.get(this.#near(gift.effect)));
      } catch (error) {
        console.info(`The effect of ${gift.name} cannot be played: ${error.message}`);
      }
    }
    this.#playing = false;
  }

  /** A page that is dialled by another name of this site asks under that name: browsers take the other for a stranger. */
  #near(address) {
    return address.startsWith(`${this.#home}/`) ? location.origin + address.slice(this.#home.length) : address;
  }

  async #play(file) {
    const box = document.createElement("div");
    box.className = "effect";
    let close = () => {};
    try {
      await new Promise((done, failed) => {
        this.#end = done;
        // A player that says nothing must not keep the next one waiting.
        setTimeout(done, file.ms + SLOW_MS);
        this.#layer.replaceChildren(box);
        openLottie(file, { box, vendor: this.#vendor, done, failed }).then((closes) => (close = closes), failed);
      });
    } finally {
      this.#end = null;
      close();
      box.remove();
    }
  }
}

async function openLottie({ animation }, { box, vendor, done, failed }) {
  await script(vendor.lottie);
  // The player writes into what it plays.
  const data = structuredClone(animation);
  const playing = globalThis.lottie.loadAnimation({ container: box, renderer: "svg", loop: false, autoplay: true, animationData: data });
  playing.addEventListener("complete", done);
  for (const trouble of ["data_failed", "error"]) playing.addEventListener(trouble, () => failed(new Error("the player refused it")));
  return () => playing.destroy();
}
