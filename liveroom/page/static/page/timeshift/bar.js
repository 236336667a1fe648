/** The bar over a running stream: how far back it reaches, where the picture stands, and the time under the pointer. */

import { byId, clockText } from "../dom.js";

const STEP_MS = 100;

/** `−1:05` of milliseconds. */
export const behindText = (ms) => `−${clockText(Math.max(0, Math.floor(ms / 1_000) * 1_000))}`;

export class WindowBar {
  #range = byId("shift-seek");
  #tip = byId("shift-tip");
  #behind = byId("shift-behind");
  #from = 0;
  #now = 1;
  #drags = false;

  /** `seek(ms)`: somebody chose a moment. */
  constructor({ seek }) {
    this.#range.addEventListener("input", () => {
      this.#drags = true;
      this.#shown(this.#chosen());
    });
    this.#range.addEventListener("change", () => {
      this.#drags = false;
      seek(this.#chosen());
    });
    this.#range.addEventListener("pointermove", (event) => this.#hint(event));
    this.#range.addEventListener("pointerleave", () => (this.#tip.hidden = true));
  }

  /** `from` and `now`: the ends of the window; `at`: the picture's moment; null: live. */
  show({ from, now, at }) {
    if (this.#drags) return;
    [this.#from, this.#now] = [from, Math.max(now, from + STEP_MS)];
    const most = Math.ceil((this.#now - from) / STEP_MS);
    Object.assign(this.#range, { min: 0, max: most, step: 1 });
    this.#range.value = at === null ? most : Math.round((at - from) / STEP_MS);
    this.#shown(at ?? this.#now);
  }

  #chosen() {
    return this.#from + Number(this.#range.value) * STEP_MS;
  }

  #shown(at) {
    const behind = this.#now - at;
    const live = behind < 1_000;
    this.#behind.textContent = live ? "" : behindText(behind);
    this.#range.style.setProperty("--played", `${Math.min(100, ((at - this.#from) / (this.#now - this.#from)) * 100)}%`);
    this.#range.style.setProperty("--buffered", "100%");
    this.#range.setAttribute("aria-valuetext", live ? "Live" : `${clockText(Math.round(behind / 1_000) * 1_000)} behind`);
  }

  #hint({ clientX }) {
    const box = this.#range.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
    const at = this.#from + part * (this.#now - this.#from);
    const clock = new Date(at).toLocaleTimeString(undefined, { timeStyle: "medium" });
    this.#tip.textContent = this.#now - at < 2_000 ? "Live" : `${behindText(this.#now - at)} · ${clock}`;
    this.#tip.hidden = false;
    const half = this.#tip.offsetWidth / 2;
    this.#tip.style.left = `${Math.min(box.width - half, Math.max(half, part * box.width))}px`;
  }
}
