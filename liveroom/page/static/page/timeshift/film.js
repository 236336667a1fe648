/**
 * The window over a running stream in the video element, by hls.js; its time is the server's clock, in ms.
 *
 * `onState` hears { state, message? }: loading, playing, paused, blocked (the browser wants a click), over (there is nothing more),
 * failed. It has the `state`, `paused`, `behind`, `resume()` and `pause()` of the live player, so that the same buttons work it.
 */

import { script } from "../engines.js";

const MOST_AGAIN = 5;
const AGAIN_MS = 1_500;
const GONE = new Set([404, 410]);

/** Where a moment stands in a list of fragments ({ start, duration, programDateTime }), in seconds; null: outside of it. */
export function placeOf(fragments, ms) {
  for (const { start, duration, programDateTime: at } of fragments) {
    if (at !== null && ms >= at && ms < at + duration * 1_000) return start + (ms - at) / 1_000;
  }
  return null;
}

export class WindowFilm {
  #video;
  #vendor;
  #address;
  #now;
  #onState;
  #hls = null;
  #turn = 0;
  #wants = true;
  #wanted = 0;
  #moved = false;
  #repaired = false;
  #again = 0;
  #timer = 0;
  #stop = new AbortController();

  state = "loading";

  /** `address(ms, { fresh })` answers where the window is from that moment on; `fresh`: the last one was refused. */
  constructor({ video, vendor, address, now, onState }) {
    [this.#video, this.#vendor, this.#address, this.#now, this.#onState] = [video, vendor, address, now, onState];
    const { signal } = this.#stop;
    const on = (type, act) => video.addEventListener(type, act, { signal });
    on("playing", () => {
      [this.#moved, this.#again] = [true, 0];
      this.#become("playing");
    });
    on("waiting", () => this.#wants && this.#become("loading"));
    on("pause", () => this.state === "playing" && !this.#wants && this.#become("paused"));
  }

  get paused() {
    return !this.#wants;
  }

  /** When the picture that is shown was sent; before there is one, when it shall have been. */
  get timeMs() {
    const at = this.#moved ? this.#hls?.playingDate?.getTime() : undefined;
    return at ?? this.#wanted;
  }

  /** In seconds. */
  get behind() {
    return (this.#now() - this.timeMs) / 1_000;
  }

  async open(ms, { plays = true, fresh = false } = {}) {
    const turn = ++this.#turn;
    [this.#wanted, this.#wants, this.#moved] = [ms, plays, false];
    this.#end();
    this.#become("loading");
    try {
      const [address] = await Promise.all([this.#address(ms, { fresh }), script(this.#vendor.hls)]);
      if (turn !== this.#turn) return;
      if (!address) {
        this.#become("over");
        return;
      }
      this.#load(address);
    } catch {
      if (turn === this.#turn) this.#later(true);
    }
  }

  /** To another moment, without loading anew where that is in the list. */
  seek(ms) {
    const place = placeOf(this.#hls?.latestLevelDetails?.fragments ?? [], ms);
    if (place === null || this.state === "failed") {
      this.open(ms, { plays: this.#wants });
      return;
    }
    this.#wanted = ms;
    this.#video.currentTime = place;
    if (this.#wants) this.#play();
  }

  resume() {
    this.#wants = true;
    if (this.state === "failed") this.open(this.timeMs);
    else this.#play();
  }

  pause() {
    this.#wants = false;
    this.#video.pause();
    this.#become("paused");
  }

  close() {
    this.#turn += 1;
    this.#stop.abort();
    this.#end();
  }

  #load(address) {
    const { Hls } = globalThis;
    const hls = (this.#hls = new Hls({
      lowLatencyMode: false,
      backBufferLength: 60,
      maxBufferLength: 30,
      // It stays where it is: nobody wants to be carried to the end.
      maxLiveSyncPlaybackRate: 1,
    }));
    hls.on(Hls.Events.ERROR, (_, error) => error.fatal && hls === this.#hls && this.#fault(error));
    hls.loadSource(address);
    hls.attachMedia(this.#video);
    if (this.#wants) this.#play();
  }

  async #play() {
    const turn = this.#turn;
    try {
      await this.#video.play();
    } catch (error) {
      if (turn === this.#turn && error.name === "NotAllowedError") {
        this.#wants = false;
        this.#become("blocked");
      }
    }
  }

  #fault({ type, response }) {
    const code = response?.code ?? 0;
    if (type === globalThis.Hls.ErrorTypes.MEDIA_ERROR && !this.#repaired) {
      this.#repaired = true;
      this.#hls.recoverMediaError();
    } else if (GONE.has(code) && this.#again > 0) this.#become("over");
    else this.#later(code === 403);
  }

  /** Once more from where it stands, a bounded number of times. */
  #later(fresh) {
    const [turn, at] = [this.#turn, this.timeMs];
    this.#end();
    if (++this.#again > MOST_AGAIN) {
      this.#become("failed", "This part of the stream cannot be played now.");
      return;
    }
    this.#become("loading");
    this.#timer = setTimeout(() => turn === this.#turn && this.open(at, { plays: this.#wants, fresh }), AGAIN_MS);
  }

  #end() {
    clearTimeout(this.#timer);
    this.#hls?.destroy();
    this.#hls = null;
    this.#repaired = false;
  }

  #become(state, message = "") {
    this.state = state;
    this.#onState({ state, message });
  }
}
