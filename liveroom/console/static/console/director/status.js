/** How the mix does, in words: what it waits for, that it ended, that nothing is heard of it, what was refused. */

import { byId } from "../../page/dom.js";

const WORDS = { waiting: "waiting", running: "on", finishing: "ending", done: "ended", failed: "failed", stopped: "ended" };
const PILLS = { waiting: "paused", running: "live", finishing: "paused", done: "ended", failed: "blocked", stopped: "ended" };
const OVER = new Set(["done", "failed", "stopped"]);

/** The sentence under the head; empty: all is well. Nothing here touches the page. */
export function sentence({ state, reason, connected, away, stale }) {
  const why = reason ? ` ${reason}` : "";
  if (state === "failed") return `The mix failed.${why} Start a new one on the room's media page.`;
  if (OVER.has(state)) return `This mix has ended.${why} Start a new one on the room's media page.`;
  if (!connected) return "No connection to the mix. It is tried again by itself; what you do here is done all the same.";
  if (away) return "The mix is not heard at the moment (the server's Redis is away). It comes back by itself.";
  if (state === "waiting" && stale) return `The mix waits.${why || " A media host takes it up in a moment."}`;
  if (stale) return "The compositor does not answer; it is started again by itself within a few seconds.";
  return "";
}

export class Status {
  #mix = { state: "waiting", reason: "" };
  #connected = false;
  #away = false;
  #stale = true;

  show(mix) {
    this.#mix = mix;
    const pill = byId("desk-state");
    pill.dataset.status = PILLS[mix.state] ?? "";
    pill.textContent = WORDS[mix.state] ?? mix.state;
    byId("desk-on-programme").hidden = !mix.on_programme;
    byId("desk-size").textContent = `${mix.width}×${mix.height}, ${mix.fps} a second`;
    this.#say();
  }

  connected(open) {
    this.#connected = open;
    this.#say();
  }

  away(away) {
    this.#away = away;
    this.#say();
  }

  stale(stale) {
    this.#stale = stale;
    if (stale) byId("desk-work").textContent = "";
    this.#say();
  }

  told({ ms, late, inputs }) {
    const lost = inputs.filter(({ state }) => state === "lost").length;
    const parts = [ms ? `${ms.toFixed(1)} ms a picture` : "", late ? `${late} late` : "", lost ? `${lost} lost` : ""];
    byId("desk-work").textContent = parts.filter(Boolean).join(" · ");
  }

  /** What the server said no to; empty: nothing. */
  refused(text) {
    const alert = byId("desk-alert");
    alert.textContent = text;
    alert.hidden = !text;
  }

  #say() {
    const text = sentence({ ...this.#mix, connected: this.#connected, away: this.#away, stale: this.#stale });
    const box = byId("desk-sentence");
    if (box.textContent !== text) box.textContent = text;
    box.hidden = !text;
  }
}
