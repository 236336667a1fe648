/**
 * A recording in the video element: one file or several after each other, MP4, HLS, FLV or sound alone, with one time for all.
 *
 * `onState` hears { state, message? }: loading, playing, paused, blocked (the browser wants a click), ended, failed. It has the
 * `state`, `paused`, `behind`, `resume()` and `pause()` of the live player, so that the same buttons work it.
 */

import { script } from "../engines.js";

const GAP_MS = 250;

/** Which of the parts (rising by `at_ms`) shows that moment. */
export function partAt(parts, ms) {
  let found = 0;
  for (const [place, part] of parts.entries()) if (part.at_ms <= ms) found = place;
  return found;
}

export class Film {
  #video;
  #vendor;
  #refresh;
  #onState;
  #parts = [];
  #format = "mp4";
  #part = -1;
  #close = null;
  #turn = 0;
  #rate = 1;
  #wants = false;
  #seekingTo = null;
  #refreshed = 0;
  #stop = new AbortController();

  state = "loading";
  behind = 0;
  durationMs = 0;

  /** `refresh()` answers the addresses anew, when they have run out. */
  constructor({ video, vendor, refresh, onState }) {
    [this.#video, this.#vendor, this.#refresh, this.#onState] = [video, vendor, refresh, onState];
    const { signal } = this.#stop;
    const on = (type, act) => video.addEventListener(type, act, { signal });
    on("playing", () => this.#become("playing"));
    on("waiting", () => this.#wants && this.#become("loading"));
    on("pause", () => this.state === "playing" && !video.ended && this.#become("paused"));
    on("ended", () => this.#partEnded());
    on("error", () => this.#fault());
  }

  /** Play from there on; paused if not `plays`. */
  open({ parts, format, durationMs, at, plays = true }) {
    Object.assign(this, { durationMs });
    [this.#parts, this.#format, this.#wants] = [parts, format, plays];
    this.#load(at);
  }

  get paused() {
    return !this.#wants;
  }

  /** Where it stands, or where it is going to. */
  get timeMs() {
    if (this.#seekingTo !== null) return this.#seekingTo;
    const part = this.#parts[this.#part];
    return part ? Math.min(this.durationMs, part.at_ms + this.#video.currentTime * 1_000) : 0;
  }

  /** How far it has arrived without a gap. */
  get bufferedMs() {
    const { buffered, currentTime } = this.#video;
    for (let one = 0; one < buffered.length; one += 1) {
      if (buffered.start(one) <= currentTime + 0.3 && currentTime <= buffered.end(one)) {
        return (this.#parts[this.#part]?.at_ms ?? 0) + buffered.end(one) * 1_000;
      }
    }
    return this.timeMs;
  }

  set rate(rate) {
    this.#rate = rate;
    this.#video.playbackRate = rate;
  }

  resume() {
    this.#wants = true;
    if (this.state === "ended") this.seek(0);
    else if (this.state === "failed") this.#load(this.timeMs);
    else this.#play();
  }

  pause() {
    this.#wants = false;
    this.#video.pause();
    this.#become("paused");
  }

  seek(ms) {
    const at = Math.max(0, Math.min(ms, this.durationMs - GAP_MS));
    if (partAt(this.#parts, at) !== this.#part || this.state === "failed") {
      this.#load(at);
      return;
    }
    if (this.#video.readyState === 0) {
      this.#seekingTo = at;
      return;
    }
    this.#video.currentTime = (at - this.#parts[this.#part].at_ms) / 1_000;
    if (this.state === "ended") this.#become("paused");
    if (this.#wants) this.#play();
  }

  close() {
    this.#turn += 1;
    this.#stop.abort();
    this.#end();
    this.#video.playbackRate = 1;
  }

  async #load(at) {
    const turn = ++this.#turn;
    this.#end();
    this.#part = partAt(this.#parts, at);
    this.#seekingTo = at;
    this.#become("loading");
    const part = this.#parts[this.#part];
    const video = this.#video;
    video.addEventListener("loadedmetadata", () => turn === this.#turn && this.#ready(part), { once: true });
    try {
      this.#close = await (WAYS[this.#format] ?? asFile)({ video, url: part.url, vendor: this.#vendor, failed: () => this.#fault() });
      if (turn !== this.#turn) this.#end();
    } catch {
      if (turn === this.#turn) this.#become("failed", "The player did not load. Check your connection and try again.");
    }
  }

  #ready(part) {
    const at = this.#seekingTo ?? part.at_ms;
    this.#seekingTo = null;
    this.#video.playbackRate = this.#rate;
    if (at > part.at_ms) this.#video.currentTime = (at - part.at_ms) / 1_000;
    if (this.#wants) this.#play();
    else this.#become("paused");
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

  #partEnded() {
    const next = this.#parts[this.#part + 1];
    if (next) {
      this.#load(next.at_ms);
      return;
    }
    this.#wants = false;
    this.#become("ended");
  }

  /** Addresses run out: they are asked for anew, once a minute at most; what fails with new ones fails. */
  async #fault() {
    const [turn, at] = [this.#turn, this.timeMs];
    if (this.#parts.length === 0 || this.state === "failed") return;
    if (Date.now() - this.#refreshed > 60_000) {
      this.#refreshed = Date.now();
      const fresh = await this.#refresh().catch(() => null);
      if (turn !== this.#turn) return;
      if (fresh?.parts.length) {
        this.#parts = fresh.parts;
        this.#load(at);
        return;
      }
    }
    this.#seekingTo = at;
    this.#become("failed", "The recording cannot be played now.");
  }

  #end() {
    this.#close?.();
    this.#close = null;
  }

  #become(state, message = "") {
    this.state = state;
    this.#onState({ state, message });
  }
}

/** Each answers how to let go of the video element. */
const WAYS = { hls: asPlaylist, flv: asFlv };

async function asFile({ video, url }) {
  video.src = url;
  return () => {
    video.removeAttribute("src");
    video.load();
  };
}

async function asPlaylist({ video, url, vendor, failed }) {
  if (!("MediaSource" in globalThis || "ManagedMediaSource" in globalThis)) return asFile({ video, url });
  await script(vendor.hls);
  const { Hls } = globalThis;
  const hls = new Hls({ backBufferLength: 60, maxBufferLength: 30 });
  hls.on(Hls.Events.ERROR, (_, { fatal }) => fatal && failed());
  hls.loadSource(url);
  hls.attachMedia(video);
  return () => hls.destroy();
}

async function asFlv({ video, url, vendor, failed }) {
  await script(vendor.mpegts);
  const { mpegts } = globalThis;
  mpegts.LoggingControl.applyConfig({ enableAll: false, enableError: false });
  const player = mpegts.createPlayer({ type: "flv", isLive: false, cors: true, url }, { lazyLoad: true, seekType: "range" });
  player.on(mpegts.Events.ERROR, () => failed());
  player.attachMediaElement(video);
  player.load();
  return () => player.destroy();
}
