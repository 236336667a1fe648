/** A word of the app's people to all rooms: a line above the comments, until it was read or a minute is over. A part of the page. */

import { byId, shownName } from "./dom.js";

const STAY_MS = 60_000;

export class Broadcasts {
  #timer = 0;

  events = {
    broadcast: ({ title, text }) => {
      byId("broadcast-title").textContent = shownName(title, "", 80);
      byId("broadcast-text").textContent = String(text ?? "").slice(0, 500);
      byId("broadcast").hidden = false;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#close(), STAY_MS);
    },
  };

  constructor() {
    byId("broadcast-close").addEventListener("click", () => this.#close());
  }

  #close() {
    byId("broadcast").hidden = true;
  }
}
