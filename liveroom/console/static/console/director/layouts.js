/** Layouts as small pictures: their rectangles drawn, a click lays the preview out so. */

import { element } from "../../page/dom.js";

const SVG = "http://www.w3.org/2000/svg";

/** A drawing of places, 160 × 90. */
export function drawing(places) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 160 90");
  svg.setAttribute("aria-hidden", "true");
  places.forEach(({ x, y, width, height }, index) => {
    const part = document.createElementNS(SVG, "rect");
    const box = { x: x * 1.6 + 1.5, y: y * 0.9 + 1.5, width: Math.max(1, width * 1.6 - 3), height: Math.max(1, height * 0.9 - 3), rx: 3 };
    for (const [name, value] of Object.entries(box)) part.setAttribute(name, String(Math.round(value * 10) / 10));
    const label = document.createElementNS(SVG, "text");
    label.setAttribute("x", String(box.x + box.width / 2));
    label.setAttribute("y", String(box.y + box.height / 2 + 5));
    label.textContent = String(index + 1);
    svg.append(part, label);
  });
  return svg;
}

export class Layouts {
  #box;

  /** `layouts`: [{ name, title, places }]. */
  constructor({ box, layouts, onPick }) {
    this.#box = box;
    box.replaceChildren(...layouts.map(({ name, title, places }) => {
      const button = element("button", { class: "dk-layout", type: "button", title, "aria-label": title, "data-layout": name });
      button.append(drawing(places), element("span", { text: title }));
      button.addEventListener("click", () => onPick(name));
      return button;
    }));
  }

  mark(name) {
    for (const button of this.#box.children) button.setAttribute("aria-pressed", String(button.dataset.layout === name));
  }
}
