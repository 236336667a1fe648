/** The menu of qualities: by itself, a rung of the ladder, sound alone, or the stream as it is sent. It remembers the choice. */

import { byId, element, remember } from "./dom.js";

const KEY = "liveroom:quality";
export const AUTO = "auto";
export const SOURCE = "source";

export class Quality {
  #player;
  #state;
  #shown = null;
  #rungs = [];

  /** The event says that other qualities can be had; their addresses follow from the one that this viewer has. */
  events = {
    stream: ({ stream, ladder = null }) => {
      const play = this.#state.room?.play;
      if (ladder === null || play?.stream !== stream) return;
      play.ladder = ladder.length > 0 ? masterOf(play.hls) : null;
      this.#player.show(play);
    },
  };

  constructor({ player, state }) {
    this.#player = player;
    this.#state = state;
    player.choose(remember("localStorage", KEY) ?? AUTO);
  }

  render() {
    const play = this.#state.replay ? null : (this.#state.room?.play ?? null);
    const ladder = play?.ladder ?? null;
    byId("quality").hidden = ladder === null;
    byId("stage").classList.toggle("sound-alone", ladder !== null && this.#player.rung?.height === 0);
    if (ladder === null) {
      this.#shown = null;
      return;
    }
    byId("quality-now").textContent = this.#label();
    // The signature is new in every answer, the ladder is not.
    const path = new URL(ladder, location.href).pathname;
    if (this.#shown !== path) {
      this.#shown = path;
      this.#list(ladder);
    }
    for (const input of byId("quality-list").querySelectorAll("input")) input.checked = input.value === this.#picked();
  }

  /** What is chosen, as far as this ladder has it. */
  #picked() {
    const { quality } = this.#player;
    return quality === SOURCE || this.#rungs.some(({ name }) => name === quality) ? quality : AUTO;
  }

  #label() {
    const { rung } = this.#player;
    const now = rung === null ? "source" : wordOf(rung);
    if (this.#picked() === AUTO) return `Auto (${now})`;
    return rung === null ? "Source" : wordOf(rung);
  }

  async #list(ladder) {
    this.#rungs = [];
    try {
      const answer = await fetch(ladder, { cache: "no-store" });
      if (answer.ok && this.#shown === new URL(ladder, location.href).pathname) this.#rungs = rungsOf(await answer.text());
      else this.#shown = null;
    } catch {
      this.#shown = null;
    }
    const sounds = this.#rungs.filter(({ height }) => height === 0);
    const pictures = this.#rungs.filter(({ height }) => height > 0);
    const rows = [
      [AUTO, "Auto"],
      ...[...pictures, ...sounds].map((rung) => [rung.name, wordOf(rung)]),
      [SOURCE, "Source"],
    ].map(([value, text]) => {
      const input = element("input", { type: "radio", name: "quality", value });
      input.addEventListener("change", () => this.#choose(value));
      return element("label", {}, input, text);
    });
    byId("quality-list").replaceChildren(...rows);
    this.render();
  }

  #choose(quality) {
    remember("localStorage", KEY, quality);
    this.#player.choose(quality);
    byId("quality").open = false;
    this.render();
  }
}

/** The rungs that a master playlist names, from the highest to the lowest: { name, height, address }; without a picture: height 0. */
export function rungsOf(text) {
  const found = [];
  const lines = text.split("\n");
  for (const [number, line] of lines.entries()) {
    const name = /^#EXT-X-STREAM-INF:.*\bNAME="([^"]+)"/.exec(line)?.[1];
    if (!name) continue;
    const [, width = 0, height = 0] = /RESOLUTION=(\d+)x(\d+)/.exec(line) ?? [];
    found.push({ name, height: Math.min(Number(width), Number(height)), address: lines[number + 1] ?? "" });
  }
  return found;
}

const wordOf = ({ name, height }) => (height === 0 ? "Audio only" : name);

/** `/live/<stream>.m3u8?…` and `/live/<stream>/master.m3u8?…` have the same signature. */
export function masterOf(hls) {
  const address = new URL(hls, location.href);
  address.pathname = address.pathname.replace(/\.m3u8$/, "/master.m3u8");
  return address.href;
}
