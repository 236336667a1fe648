/** The bar below a recording: where it stands, its chapters, where something is missing, and how much was said when. */

import { byId, clockText, element } from "../dom.js";

/** `1:02:03` of milliseconds, rounded down: a clock that counts up. */
export const timeText = (ms) => clockText(Math.floor(ms / 1_000) * 1_000);

/** The area over the bar as an SVG path in a box of 100 × 20; the root keeps one loud minute from flattening the rest. */
export function heatPath(columns) {
  const most = Math.sqrt(Math.max(1, ...columns));
  const step = 100 / columns.length;
  const points = columns.map((count, at) => `${((at + 0.5) * step).toFixed(2)} ${(20 - (Math.sqrt(count) / most) * 19).toFixed(2)}`);
  return `M0 20 L${points.join(" L")} L100 20 Z`;
}

export class Bar {
  #range = byId("replay-seek");
  #time = byId("replay-time");
  #marks = byId("replay-marks");
  #heat = byId("replay-heat");
  #tip = byId("replay-tip");
  #chapters = [];
  #durationMs = 0;
  #drags = false;

  /** `seek(ms)`: somebody chose a place. */
  constructor({ seek }) {
    const chosen = () => (Number(this.#range.value) / Number(this.#range.max)) * this.#durationMs;
    this.#range.addEventListener("input", () => {
      this.#drags = true;
      this.#shown(chosen());
    });
    this.#range.addEventListener("change", () => {
      this.#drags = false;
      seek(chosen());
    });
    this.#range.addEventListener("pointermove", (event) => this.#hint(event));
    this.#range.addEventListener("pointerleave", () => (this.#tip.hidden = true));
    this.#marks.addEventListener("click", ({ target }) => {
      const at = target.closest("[data-at]")?.dataset.at;
      if (at !== undefined) seek(Number(at));
    });
  }

  /** `recording`: as of `GET /recordings/{id}/playback`. */
  show({ duration_ms: durationMs, chapters, joints, density }) {
    [this.#durationMs, this.#chapters] = [Math.max(1, durationMs), chapters];
    Object.assign(this.#range, { min: 0, max: Math.ceil(durationMs / 100), step: 1, value: 0 });
    this.#heat.setAttribute("d", density.some(Boolean) ? heatPath(density) : "");
    const left = (ms) => `${(ms / this.#durationMs) * 100}%`;
    const marks = chapters.map(({ at_ms: at, title }) => {
      const label = `${title}, ${timeText(at)}`;
      return [at, element("button", { class: "mark", type: "button", "data-at": at, title: label, "aria-label": label })];
    });
    const gaps = joints.map((at) => [at, element("span", { class: "joint", title: "Here the picture was lost for a while" })]);
    for (const [at, node] of [...marks, ...gaps]) node.style.left = left(at);
    this.#marks.replaceChildren(...[...marks, ...gaps].map(([, node]) => node));
  }

  at(ms, bufferedMs) {
    this.#range.style.setProperty("--buffered", `${Math.min(100, (bufferedMs / this.#durationMs) * 100)}%`);
    if (this.#drags) return;
    this.#range.value = Math.round(ms / 100);
    this.#shown(ms);
  }

  #shown(ms) {
    const whole = timeText(this.#durationMs);
    this.#time.textContent = `${timeText(ms)} / ${whole}`;
    this.#range.style.setProperty("--played", `${Math.min(100, (ms / this.#durationMs) * 100)}%`);
    this.#range.setAttribute("aria-valuetext", `${timeText(ms)} of ${whole}`);
  }

  /** The time under the pointer, and the chapter that it is in. */
  #hint({ clientX }) {
    const box = this.#range.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
    const ms = part * this.#durationMs;
    const chapter = this.#chapters.findLast(({ at_ms: at }) => at <= ms + 500);
    this.#tip.textContent = chapter ? `${timeText(ms)} · ${chapter.title}` : timeText(ms);
    this.#tip.hidden = false;
    const half = this.#tip.offsetWidth / 2;
    this.#tip.style.left = `${Math.min(box.width - half, Math.max(half, part * box.width))}px`;
  }
}
