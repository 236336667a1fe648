/** The chosen place in numbers: where it lies, how the picture fits, corners, border, plate, layer. */

import { element } from "../../page/dom.js";
import { fitted } from "./geometry.js";
import { whole } from "./looks.js";

const NUMBERS = [["x", "Left"], ["y", "Top"], ["width", "Width"], ["height", "Height"]];
const CROPS = [["left", "Left"], ["top", "Top"], ["right", "Right"], ["bottom", "Bottom"]];
const FITS = [["contain", "All of it"], ["cover", "Fill, cut the rest"], ["stretch", "Stretch"]];

export class Inspector {
  #box;
  #onChange;
  #onLayer;
  #onRemove;
  #place = null;
  #fields = {};

  /** `onChange(more)`: values of the place; `onLayer(step)`; `onRemove()`. */
  constructor({ box, onChange, onLayer, onRemove }) {
    [this.#box, this.#onChange, this.#onLayer, this.#onRemove] = [box, onChange, onLayer, onRemove];
    this.#build();
  }

  show(place, inputs) {
    this.#place = place === null ? null : whole(place);
    this.#box.hidden = place === null;
    if (place === null) return;
    const choice = this.#fields.input;
    const said = inputs.map(({ id, name }) => `${id}:${name}`).join("|");
    if (choice.dataset.said !== said) {
      choice.dataset.said = said;
      choice.replaceChildren(...inputs.map(({ id, name }) => element("option", { value: id, text: name })));
    }
    const put = (field, value) => {
      if (field !== document.activeElement) field.value = String(value);
    };
    const of = this.#place;
    put(choice, of.input);
    for (const [name] of NUMBERS) put(this.#fields[name], Number(of[name].toFixed(1)));
    for (const [name] of CROPS) put(this.#fields[`crop-${name}`], of.crop[name]);
    for (const name of ["fit", "radius_percent", "border_percent", "border_color"]) put(this.#fields[name], of[name]);
    this.#fields.plate.checked = of.plate;
  }

  #build() {
    const label = (text, field) => element("label", { class: "dk-field" }, element("span", { text }), field);
    const number = (name, text, { max = 100, step = 0.5 } = {}) => {
      const bounds = { min: "0", max: String(max), step: String(step) };
      const field = (this.#fields[name] = element("input", { type: "number", class: "dk-number", ...bounds }));
      field.addEventListener("change", () => this.#numbered(name, Number(field.value)));
      return label(text, field);
    };
    const select = (name, options) => {
      const field = (this.#fields[name] = element("select", { class: "dk-select" }));
      field.append(...options.map(([value, text]) => element("option", { value, text })));
      field.addEventListener("change", () => this.#onChange({ [name]: field.value }));
      return field;
    };
    const slider = (name, text, max, step) => {
      const field = (this.#fields[name] = element("input", { type: "range", min: "0", max: String(max), step: String(step) }));
      field.addEventListener("change", () => this.#onChange({ [name]: Number(field.value) }));
      return label(text, field);
    };
    const color = element("input", { type: "color", class: "dk-color", "aria-label": "Colour of the border" });
    this.#fields.border_color = color;
    color.addEventListener("change", () => this.#onChange({ border_color: color.value }));
    const plate = (this.#fields.plate = element("input", { type: "checkbox" }));
    plate.addEventListener("change", () => this.#onChange({ plate: plate.checked }));
    const button = (text, act, more = "") => {
      const node = element("button", { class: `lr-button lr-tiny ${more}`, type: "button", text });
      node.addEventListener("click", act);
      return node;
    };
    this.#box.append(
      label("Shows", select("input", [])),
      element("div", { class: "dk-four" }, ...NUMBERS.map(([name, text]) => number(name, text))),
      label("Fit", select("fit", FITS)),
      slider("radius_percent", "Corners", 50, 1),
      element("div", { class: "dk-two" }, slider("border_percent", "Border", 5, 0.1), label("Colour", color)),
      element("label", { class: "dk-check" }, plate, "Name on a plate"),
      element("details", {}, element("summary", { text: "Crop" }),
        element("div", { class: "dk-four" }, ...CROPS.map(([name, text]) => number(`crop-${name}`, text, { max: 95, step: 1 })))),
      element("div", { class: "lr-row" }, button("Forward", () => this.#onLayer(1)), button("Back", () => this.#onLayer(-1)),
        button("Whole picture", () => this.#onChange({ x: 0, y: 0, width: 100, height: 100 })),
        button("Remove", () => this.#onRemove(), "lr-danger-quiet")),
    );
  }

  #numbered(name, value) {
    if (!name.startsWith("crop-")) {
      const { x, y, width, height } = fitted({ ...this.#place, [name]: value });
      this.#onChange({ x, y, width, height });
      return;
    }
    const side = name.slice(5);
    const crop = { ...this.#place.crop, [side]: Math.min(95, Math.max(0, value || 0)) };
    const across = { left: "right", right: "left", top: "bottom", bottom: "top" }[side];
    // At least 5 percent of the picture are left.
    crop[side] = Math.min(crop[side], 95 - crop[across]);
    this.#onChange({ crop });
  }
}
