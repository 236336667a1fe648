/** The box to comment in: counts characters, sends with Enter, and says why it is closed when it is. */

import { byId, clockText } from "./dom.js";

const WARN_FROM = 0.8;

export class Composer {
  #form = byId("composer");
  #input = byId("comment");
  #count = byId("count");
  #note = byId("note");
  #send = byId("send");
  #limit;
  #closed = "";
  #until = 0;
  #name = "";
  #held = false;
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
    this.#counted();
  }

  /** In whose name one speaks here. */
  set name(name) {
    this.#name = name;
    if (this.#closed === "") this.#input.placeholder = name ? `Say something, ${name}…` : "Say something…";
  }

  /** Why nothing can be sent; an empty reason opens the box. `until` (ms) adds a countdown. */
  close(reason, until = 0) {
    if (reason === this.#closed && until === this.#until) return;
    const [was, now] = [this.#closed !== "", reason !== ""];
    this.#closed = reason;
    this.#until = until;
    // Who was writing goes on writing when the box opens again, unless something else was taken up meanwhile.
    if (now && !was) this.#held = document.activeElement === this.#input;
    this.#input.disabled = now;
    this.#input.title = reason;
    if (was && !now && this.#held && document.activeElement === document.body) this.focus();
    this.#form.classList.toggle("closed", reason !== "");
    if (reason) this.#input.placeholder = reason;
    else this.name = this.#name;
    this.#counted();
    this.tick(Date.now());
  }

  tick(now) {
    if (this.#until) this.#input.placeholder = `${this.#closed} (${clockText(this.#until - now)})`;
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
