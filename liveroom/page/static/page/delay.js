/** How far the picture is behind, in the controls; and by which way it comes, which a viewer may choose in the settings. */

import { byId, element, remember } from "./dom.js";

const KEY = "liveroom:way";
export const AUTO = "auto";
const WORDS = {
  auto: "Automatic",
  flv: "Shortest delay (FLV)",
  ll: "Short delay (low-latency HLS)",
  hls: "Steadiest (HLS)",
};

export class Delay {
  #player;
  #state;
  #socket;
  #listed = "";

  constructor({ player, state, socket }) {
    this.#player = player;
    this.#state = state;
    this.#socket = socket;
    player.way = remember("localStorage", KEY) ?? AUTO;
    byId("way").addEventListener("change", ({ target }) => {
      remember("localStorage", KEY, target.value);
      player.takeWay(target.value);
    });
  }

  render() {
    const live = this.#state.player.state === "playing" && !this.#player.paused && !this.#state.replay && !this.#state.shift;
    byId("delay").hidden = !live;
    if (live) byId("delay-seconds").textContent = secondsText(this.#delay());
    this.#list(live ? this.#player.ways : []);
  }

  /** By the playlist's own clock where the end of the playlist is not the newest picture: HLS, and viewers who are kept behind. */
  #delay() {
    const date = this.#player.engine === "ll" ? null : this.#player.date;
    return date === null ? this.#player.delay : Math.max(0, this.#socket.now() - date) / 1_000;
  }

  /** A choice between one is none; a ladder has its own menu. */
  #list(ways) {
    const shown = ways.filter((way) => way in WORDS);
    byId("way-row").hidden = shown.length < 2;
    if (shown.length < 2) return;
    if (this.#listed !== shown.join()) {
      this.#listed = shown.join();
      byId("way").replaceChildren(...[AUTO, ...shown].map((way) => element("option", { value: way, text: WORDS[way] })));
    }
    byId("way").value = shown.includes(this.#player.way) ? this.#player.way : AUTO;
    byId("way").title = this.#player.way === AUTO ? `Now: ${WORDS[this.#player.engine] ?? ""}` : "";
  }
}

/** `0.7 s`, `12 s`. */
export function secondsText(seconds) {
  return `${seconds < 9.95 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}
