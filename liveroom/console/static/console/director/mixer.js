/** Sound: for each input a meter, a fader, mute, ducking and automatic gain; one fader for all together. */

import { element } from "../../page/dom.js";
import { nameOf } from "./inputs.js";
import { falling, share } from "./looks.js";

const SEND_MS = 120;
const LOWEST = -60;

/** "+3 dB", "−12.5 dB", "off". */
export function decibels(value) {
  if (value <= LOWEST) return "off";
  const text = Number(value.toFixed(1)).toString().replace("-", "−");
  return `${value > 0 ? "+" : ""}${text} dB`;
}

export class Mixer {
  #box;
  #send;
  #strips = new Map();
  #levels = new Map();
  #waiting = { inputs: {} };
  #timer = 0;
  #touched = new Map();

  /** `send(change)`: as `PATCH /audio` takes it. */
  constructor({ box, send }) {
    [this.#box, this.#send] = [box, send];
  }

  show(inputs, masterDb) {
    const sounding = inputs.filter((input) => input.color === undefined && input.image === undefined);
    const strips = [...sounding.map((input) => this.#strip(input.id)), this.#strip("")];
    const known = new Set(sounding.map(({ id }) => id).concat(""));
    for (const id of this.#strips.keys()) if (!known.has(id)) this.#strips.delete(id);
    if (strips.length !== this.#box.children.length || strips.some((strip, at) => this.#box.children[at] !== strip)) {
      this.#box.replaceChildren(...strips);
    }
    for (const input of sounding) this.#put(input);
    this.#gain("", masterDb);
    this.#strips.get("").querySelector(".dk-strip-name").textContent = "Master";
  }

  #put(input) {
    const strip = this.#strips.get(input.id);
    const name = nameOf(input);
    strip.querySelector(".dk-strip-name").textContent = name;
    strip.querySelector("input").setAttribute("aria-label", `Loudness of ${name}`);
    this.#gain(input.id, input.gain_db);
    for (const field of ["muted", "duck", "auto_gain"]) {
      strip.querySelector(`[data-field=${field}]`).setAttribute("aria-pressed", String(Boolean(input[field])));
    }
  }

  /** A fader that somebody holds is not moved under the hand. */
  #gain(id, value) {
    const strip = this.#strips.get(id);
    if (Date.now() - (this.#touched.get(id) ?? 0) < 1_000) return;
    strip.querySelector("input").value = String(value);
    strip.querySelector(".dk-db").textContent = decibels(value);
  }

  #strip(id) {
    if (this.#strips.has(id)) return this.#strips.get(id);
    const fader = element("input", { type: "range", min: String(LOWEST), max: "12", step: "0.5", "aria-label": "Loudness of all" });
    const button = (field, text, title) => {
      const node = element("button", { class: "dk-chip", type: "button", "data-field": field, "aria-pressed": "false", title, text });
      node.addEventListener("click", () => {
        const on = node.getAttribute("aria-pressed") !== "true";
        node.setAttribute("aria-pressed", String(on));
        this.#say(id, { [field]: on }, 0);
      });
      return node;
    };
    const strip = element(
      "div", { class: id ? "dk-strip" : "dk-strip dk-master" },
      element("span", { class: "dk-strip-name" }),
      element("span", { class: "dk-vu" }, element("i"), element("b")),
      fader,
      element("span", { class: "dk-db" }),
      element("span", { class: "dk-chips" }, ...(id ? [
        button("muted", "Mute", "Not heard at all"),
        button("duck", "Duck", "Goes down while somebody else speaks"),
        button("auto_gain", "Auto", "Brought to the same loudness by itself"),
      ] : [])),
    );
    fader.addEventListener("input", () => {
      const value = Number(fader.value);
      this.#touched.set(id, Date.now());
      strip.querySelector(".dk-db").textContent = decibels(value);
      this.#say(id, { gain_db: value }, SEND_MS);
    });
    fader.addEventListener("dblclick", () => {
      fader.value = "0";
      fader.dispatchEvent(new Event("input"));
    });
    this.#strips.set(id, strip);
    return strip;
  }

  /** Faders are sent a few times a second, buttons at once. */
  #say(id, change, wait) {
    if (id) this.#waiting.inputs[id] = { ...this.#waiting.inputs[id], ...change };
    else this.#waiting.master_db = change.gain_db;
    if (wait && this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      const said = this.#waiting;
      this.#waiting = { inputs: {} };
      this.#send(said);
    }, wait);
  }

  told(told, seconds) {
    for (const one of [...told.inputs, { id: "", peak_db: told.peak_db, rms_db: told.rms_db }]) {
      const strip = this.#strips.get(one.id);
      if (!strip) continue;
      const level = falling(this.#levels.get(one.id) ?? 0, share(one.peak_db), seconds);
      this.#levels.set(one.id, level);
      const meter = strip.querySelector(".dk-vu");
      meter.style.setProperty("--level", level.toFixed(3));
      meter.style.setProperty("--mean", share(one.rms_db).toFixed(3));
    }
  }
}
