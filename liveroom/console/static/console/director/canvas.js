/** The preview as a thing to hold: every place a frame that is dragged, resized at eight handles, moved by arrow keys. */

import { element } from "../../page/dom.js";
import { linesFor, moved, percentIn, resized } from "./geometry.js";
import { fromTheTop } from "./looks.js";

const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class PlaceEditor {
  #box;
  #guides;
  #onChange;
  #onSelect;
  #onDrop;
  #places = [];
  #names = new Map();
  #drag = null;

  selected = -1;

  /** `onChange(index, place, { done })` while and after a drag; `onSelect(index)`; `onDrop(index, input)` of a dragged input. */
  constructor({ box, onChange, onSelect, onDrop }) {
    [this.#box, this.#onChange, this.#onSelect, this.#onDrop] = [box, onChange, onSelect, onDrop];
    this.#guides = element("div", { class: "dk-guides", "aria-hidden": "true" });
    box.append(this.#guides);
    box.addEventListener("pointerdown", (event) => this.#begin(event));
    box.addEventListener("pointermove", (event) => this.#go(event));
    for (const end of ["pointerup", "pointercancel"]) box.addEventListener(end, () => this.#end());
    box.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("dragover", (event) => event.preventDefault());
    box.addEventListener("drop", (event) => this.#dropped(event));
  }

  get isBusy() {
    return this.#drag !== null;
  }

  /** `names`: input → what it is called. */
  show(places, names) {
    if (this.isBusy) return;
    this.#places = places;
    this.#names = names;
    if (this.selected >= places.length) this.select(-1);
    this.#draw();
  }

  select(index) {
    if (index === this.selected) return;
    this.selected = index;
    this.#draw();
    this.#onSelect(index);
  }

  #draw() {
    const focused = this.#box.contains(document.activeElement);
    const frames = fromTheTop(this.#places).reverse().map(({ place, index }) => this.#frame(place, index));
    this.#box.querySelectorAll(".dk-place").forEach((node) => node.remove());
    this.#box.prepend(...frames);
    if (focused) this.#box.querySelector(".dk-place[aria-pressed=true]")?.focus();
  }

  #frame(place, index) {
    const name = this.#names.get(place.input) ?? place.input;
    const chosen = index === this.selected;
    const node = element(
      "div", { class: "dk-place", role: "button", tabindex: "0", "aria-pressed": chosen, "aria-label": `Place of ${name}` },
      element("span", { class: "dk-place-name", text: name }),
      ...(chosen ? HANDLES.map((handle) => element("i", { class: `dk-handle dk-${handle}`, "data-handle": handle })) : []),
    );
    node.dataset.index = index;
    this.#lay(node, place);
    return node;
  }

  #lay(node, { x, y, width, height, z }) {
    Object.assign(node.style, { left: `${x}%`, top: `${y}%`, width: `${width}%`, height: `${height}%`, zIndex: (z ?? 0) + 1 });
  }

  #begin(event) {
    if (event.button !== 0) return;
    const node = event.target.closest(".dk-place");
    const index = node ? Number(node.dataset.index) : -1;
    const handle = event.target.dataset.handle ?? "";
    if (!handle) this.select(index);
    if (index < 0) return;
    event.preventDefault();
    const others = this.#places.filter((_, at) => at !== index);
    this.#drag = { index, handle, from: { ...this.#places[index] }, at: this.#point(event), lines: linesFor(others), moved: false };
    this.#box.setPointerCapture(event.pointerId);
    this.#box.querySelector(`[data-index="${index}"]`)?.focus({ preventScroll: true });
  }

  #point(event) {
    return percentIn(this.#box.getBoundingClientRect(), event.clientX, event.clientY);
  }

  #go(event) {
    const drag = this.#drag;
    if (drag === null) return;
    const { x, y } = this.#point(event);
    const [dx, dy] = [x - drag.at.x, y - drag.at.y];
    if (!drag.moved && Math.abs(dx) + Math.abs(dy) < 0.6) return;
    drag.moved = true;
    // Alt: exactly where the mouse is. Shift: a corner keeps the ratio.
    const lines = event.altKey ? null : drag.lines;
    const place = drag.handle
      ? resized(drag.from, drag.handle, dx, dy, { lines, square: event.shiftKey })
      : moved(drag.from, dx, dy, lines);
    this.#put(drag.index, place, { done: false });
    this.#guide(place);
  }

  #end() {
    const drag = this.#drag;
    this.#drag = null;
    this.#guides.replaceChildren();
    if (drag?.moved) this.#onChange(drag.index, this.#places[drag.index], { done: true });
  }

  #put(index, place, { done }) {
    this.#places = this.#places.map((one, at) => (at === index ? place : one));
    const node = this.#box.querySelector(`[data-index="${index}"]`);
    if (node) this.#lay(node, place);
    this.#onChange(index, place, { done });
  }

  /** Lines of the canvas that the place's sides stand on. */
  #guide(place) {
    const near = (value, lines) => lines.find((line) => Math.abs(line - value) < 0.01 && line > 0.01 && line < 99.99);
    const { lines } = this.#drag;
    const xs = [place.x, place.x + place.width / 2, place.x + place.width].map((x) => near(x, lines.x));
    const ys = [place.y, place.y + place.height / 2, place.y + place.height].map((y) => near(y, lines.y));
    const line = (axis, at) => {
      const node = element("i", { class: `dk-guide dk-guide-${axis}` });
      node.style.setProperty("--at", `${at}%`);
      return node;
    };
    this.#guides.replaceChildren(
      ...xs.filter((at) => at !== undefined).map((at) => line("x", at)),
      ...ys.filter((at) => at !== undefined).map((at) => line("y", at)),
    );
  }

  #key(event) {
    const node = event.target.closest(".dk-place");
    if (!node) return;
    const index = Number(node.dataset.index);
    if (event.key === "Escape") this.select(-1);
    const step = ARROWS[event.key];
    if (!step) return;
    event.preventDefault();
    this.select(index);
    const size = event.altKey ? 0.2 : 1;
    const place = this.#places[index];
    const [dx, dy] = [step[0] * size, step[1] * size];
    const next = event.shiftKey ? resized(place, dx ? "e" : "s", dx, dy) : moved(place, dx, dy);
    this.#put(index, next, { done: true });
  }

  #dropped(event) {
    event.preventDefault();
    const input = event.dataTransfer.getData("application/x-input");
    if (!input) return;
    const node = event.target.closest(".dk-place");
    this.#onDrop(node ? Number(node.dataset.index) : -1, input);
  }
}
