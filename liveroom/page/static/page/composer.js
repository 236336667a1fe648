/**
 * The box to comment in: counts characters, sends with Enter, and says why it is closed when it is.
 *
 * A closed box is read-only, never disabled: a browser takes the focus away from what is disabled, and the next letters of
 * whoever was typing would be shortcuts of the page. The draft stays, and is there again when the box opens.
 */

import { byId, clockText } from "./dom.js";

const WARN_FROM = 0.8;

/** The longest of `texts` that fits into `width` px, else the last one; `widthOf(text)` in px. */
export function fitting(texts, width, widthOf) {
  return texts.find((text) => widthOf(text) <= width) ?? texts.at(-1);
}

export class Composer {
  #form = byId("composer");
  #input = byId("comment");
  #count = byId("count");
  #note = byId("note");
  #send = byId("send");
  #why = byId("closed-why");
  #limit;
  #closed = "";
  #until = 0;
  #name = "";
  #pen = null;
  #submit;

  /** `submit(text, { color, position })` for everything that is sent. */
  constructor({ submit, limit = 300 }) {
    this.#submit = submit;
    this.#limit = limit;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#go();
    });
    this.#input.addEventListener("keydown", (event) => {
      // Enter also picks a word in an input method; that is not "send".
      if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#go();
    });
    this.#input.addEventListener("input", () => this.#counted());
    for (const swatch of this.#form.querySelectorAll("input[name=color]")) {
      swatch.parentElement.style.setProperty("--swatch", swatch.value);
    }
    new ResizeObserver(() => this.#invite()).observe(this.#input);
    this.#counted();
  }

  /** In whose name one speaks here. */
  set name(name) {
    if (name === this.#name) return;
    this.#name = name;
    this.#invite();
  }

  /** The words in the empty box: as many as it has place for, so that none is cut. */
  #invite() {
    const style = getComputedStyle(this.#input);
    const room = this.#input.clientWidth - Number.parseFloat(style.paddingLeft) - Number.parseFloat(style.paddingRight);
    if (!(room > 0)) return;
    const pen = (this.#pen ??= document.createElement("canvas").getContext("2d"));
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const texts = [...(this.#name ? [`Say something, ${this.#name}…`] : []), "Say something…", "Comment…", "Say…"];
    this.#input.placeholder = fitting(texts, room - 1, (text) => pen.measureText(text).width);
  }

  /** Why nothing can be sent; an empty reason opens the box. `until` (ms) adds a countdown. */
  close(reason, until = 0) {
    if (reason === this.#closed && until === this.#until) return;
    this.#closed = reason;
    this.#until = until;
    this.#input.readOnly = reason !== "";
    this.#form.classList.toggle("closed", reason !== "");
    this.#why.hidden = reason === "";
    this.#why.textContent = reason;
    if (reason === "") this.#invite();
    this.#counted();
    this.tick(Date.now());
  }

  tick(now) {
    if (this.#until) this.#why.textContent = `${this.#closed} (${clockText(this.#until - now)})`;
  }

  /** A remark under the box that goes with the next key. */
  remark(text) {
    this.#note.textContent = text;
    this.#note.hidden = text === "";
  }

  focus() {
    this.#input.focus({ preventScroll: true });
  }

  get #text() {
    return this.#input.value.replace(/\s+/gu, " ").trim();
  }

  #counted() {
    const length = [...this.#text].length;
    const left = this.#limit - length;
    this.#count.textContent = `${length}/${this.#limit}`;
    this.#count.hidden = length < this.#limit * WARN_FROM;
    this.#count.classList.toggle("over", left < 0);
    this.#send.disabled = this.#closed !== "" || length === 0 || left < 0;
    if (left < 0) this.remark(`${-left} character${left === -1 ? "" : "s"} too long.`);
    else this.remark("");
  }

  #go() {
    if (this.#send.disabled) return;
    const style = new FormData(this.#form);
    const color = style.get("color");
    this.#submit(this.#text, { color: color === "#ffffff" ? undefined : color, position: style.get("position") ?? "scroll" });
    this.#input.value = "";
    this.#counted();
  }
}
