/** The strip of inputs: what each sends now, what is wrong with it, a click puts it into the preview. */

import { element } from "../../page/dom.js";
import { falling, share, troubles } from "./looks.js";

const QUIET_MS = 2_500;

export class Inputs {
  #box;
  #onPick;
  #onCut;
  #cards = new Map();
  #levels = new Map();
  #toldAt = 0;

  /** `onPick(id)`: into the preview; `onCut(id)`: to the programme at once. */
  constructor({ box, onPick, onCut }) {
    [this.#box, this.#onPick, this.#onCut] = [box, onPick, onCut];
  }

  /** The inputs of the mix, in their order; which of them the looks show. */
  show(inputs, { preview, programme }) {
    const cards = inputs.map((input, index) => this.#card(input, index));
    const known = new Set(inputs.map(({ id }) => id));
    for (const id of this.#cards.keys()) if (!known.has(id)) this.#cards.delete(id);
    if (cards.length !== this.#box.children.length || cards.some((card, at) => this.#box.children[at] !== card)) {
      this.#box.replaceChildren(...cards);
    }
    const shownIn = (look, id) => Boolean(look?.places.some((place) => place.input === id));
    for (const { id } of inputs) {
      const card = this.#cards.get(id);
      card.classList.toggle("dk-in-preview", shownIn(preview, id));
      card.classList.toggle("dk-on-air", shownIn(programme, id));
    }
  }

  #card(input, index) {
    let card = this.#cards.get(input.id);
    if (!card) {
      card = element(
        "button", { class: "dk-input", type: "button", draggable: "true" },
        element(
          "span", { class: "dk-thumb" }, element("img", { alt: "" }), element("span", { class: "dk-badges" }),
          element("span", { class: "dk-level" }, element("i")),
        ),
        element("span", { class: "dk-input-line" }, element("kbd"), element("strong")),
      );
      card.dataset.input = input.id;
      card.querySelector("img").hidden = true;
      card.addEventListener("click", () => this.#onPick(input.id));
      card.addEventListener("dblclick", () => this.#onCut(input.id));
      card.addEventListener("dragstart", (event) => event.dataTransfer.setData("application/x-input", input.id));
      this.#cards.set(input.id, card);
    }
    const name = nameOf(input);
    card.querySelector("kbd").textContent = index < 9 ? String(index + 1) : "";
    card.querySelector("strong").textContent = name;
    card.title = `${name}: click for the preview, double click to cut to it, drag it onto a place`;
    card.classList.toggle("dk-muted", input.muted);
    card.classList.toggle("dk-still", input.color !== undefined || input.image !== undefined);
    if (input.color) card.querySelector(".dk-thumb").style.background = input.color;
    return card;
  }

  /** What the compositor says of them, ten times a second. */
  told(inputs, seconds) {
    this.#toldAt = Date.now();
    for (const one of inputs) {
      const card = this.#cards.get(one.id);
      if (!card) continue;
      const level = falling(this.#levels.get(one.id) ?? 0, share(one.peak_db), seconds);
      this.#levels.set(one.id, level);
      card.querySelector(".dk-level i").style.setProperty("--level", level.toFixed(3));
      this.#badge(card, troubles(one, { sound: !card.classList.contains("dk-still") }));
      card.dataset.state = one.state;
      card.dataset.why = one.why ?? "";
    }
  }

  #badge(card, found) {
    const said = found.map(({ word }) => word).join(" ");
    if (card.dataset.troubles === said) return;
    card.dataset.troubles = said;
    card.querySelector(".dk-badges").replaceChildren(
      ...found.map(({ word, kind }) => element("span", { class: `dk-badge dk-${kind}`, text: word })),
    );
  }

  /** Nothing was heard for a while: what is shown is old. */
  get isStale() {
    return Date.now() - this.#toldAt > QUIET_MS;
  }

  fade(stale) {
    this.#box.classList.toggle("dk-stale", stale);
  }

  picture(id, source) {
    const image = this.#cards.get(id)?.querySelector("img");
    if (!image) return;
    image.src = source;
    image.hidden = false;
  }
}

export function nameOf(input) {
  const what = input.stream ?? input.file ?? input.image ?? input.color;
  return input.name || what || `Input ${input.id}`;
}
