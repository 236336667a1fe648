/**
 * The picture: the ladder by hls.js if there is one and its viewer does not want the source, HTTP-FLV by mpegts.js, HLS by hls.js
 * where that cannot play, the browser's own HLS as the last way.
 *
 * It follows the live edge and reconnects by itself until it is told to stop. `onState` hears
 * { state, reason?, message? }: idle, loading, playing, blocked (the browser wants a click), held, failed.
 */

import { Unsupported, fetchEngine, refusalOf, usableEngines } from "./engines.js";

const RETRY_MS = 600;
const RETRY_MAX_MS = 8_000;
const REFUSED_RETRY_MS = 15_000;
// The gateway's status for a codec that no browser plays: another address does not help.
const UNPLAYABLE = 415;
const STALL_MS = 5_000;
const LOAD_MS = 12_000;
const FAR_SECONDS = 4;
const NEAR_SECONDS = 0.4;
const UNLOAD_PAUSED_MS = 30_000;

export class Player {
  #video;
  #still;
  #vendor;
  #refresh;
  #onState;
  #play = null;
  #engine = null;
  #turn = 0;
  #attempt = 0;
  #choice = 0;
  #refreshed = false;
  #timer = 0;
  #moved = { time: 0, at: 0 };
  #nudged = false;
  #pausedAt = 0;
  #ladderFailed = false;

  /** Where a viewer may go back: `paused()`; `resumed()` answers whether the picture goes on there, in another player. */
  shift = null;

  /** What the viewer chose: auto, source, or the name of a rung. */
  quality = "auto";

  state = "idle";

  /** `refresh()` answers fresh addresses or null; `still` is a canvas that keeps the last picture over a gap. */
  constructor({ video, still, vendor, refresh, onState }) {
    Object.assign(video, { muted: true, playsInline: true });
    this.#video = video;
    this.#still = still;
    this.#vendor = vendor;
    this.#refresh = refresh;
    this.#onState = onState;
    video.addEventListener("playing", () => this.#playing());
    video.addEventListener("play", () => (this.#pausedAt = 0));
    setInterval(() => this.#watch(), 1_000);
  }

  /** Play these addresses ({flv, hls, ladder}); the same ones again change nothing but what the next connection uses. */
  show(play) {
    const [was, now] = [this.#play, { ...play }];
    const same = was !== null && path(now.flv) === path(was.flv) && path(now.hls) === path(was.hls);
    const other = path(now.ladder) !== path(was?.ladder);
    this.#play = now;
    if (other) this.#ladderFailed = false;
    // A ladder that comes while the source plays well is for the next connection, unless a rung of it was asked for.
    if (same && (!other || (now.ladder && this.quality === "auto" && this.state === "playing"))) return;
    if (same && other && this.quality === "source") return;
    this.#attempt = this.#choice = 0;
    this.#refreshed = false;
    this.#start();
  }

  /** A quality by hand, or `auto`. */
  choose(quality) {
    if (quality === this.quality) return;
    this.quality = quality;
    this.#ladderFailed = false;
    if (this.#play === null || !this.#play.ladder || this.#engine?.choose?.(quality)) return;
    this.#attempt = this.#choice = 0;
    this.#start();
  }

  /** Of the ladder, what is shown now: { name, height }, height 0 without a picture; null: the source, or not known yet. */
  get rung() {
    return this.#engine?.rung ?? null;
  }

  /** Stop asking; the last picture stays (`held`) or goes (`idle`). */
  stop({ keep = false } = {}) {
    if (this.#play === null && (keep || this.state === "idle")) return;
    this.#turn += 1;
    this.#end({ keep });
    this.#play = null;
    this.#become(keep ? "held" : "idle");
  }

  /** A click of the viewer: what autoplay rules forbade is allowed now. */
  async resume() {
    const paused = this.#pausedAt > 0;
    this.#pausedAt = 0;
    if (paused && this.shift?.resumed()) return;
    if (this.#engine === null) {
      if (this.#play !== null) this.#start();
      return;
    }
    this.toLive();
    await this.#video.play().catch(() => {});
  }

  /** Do not wait for the next attempt any longer. */
  retry() {
    if (this.#play === null || this.#timer === 0) return;
    this.#attempt = 0;
    this.#refreshed = false;
    this.#start();
  }

  pause() {
    this.#pausedAt = Date.now();
    this.#video.pause();
    this.shift?.paused();
  }

  /** When the picture that is shown was sent (Unix ms), where the playlist says so; else null. */
  get date() {
    return this.#engine?.date ?? null;
  }

  get paused() {
    return this.#video.paused;
  }

  /** Seconds between the newest picture that is here and the one that is shown. */
  get behind() {
    const { buffered, currentTime } = this.#video;
    return buffered.length ? Math.max(0, buffered.end(buffered.length - 1) - currentTime) : 0;
  }

  toLive() {
    const { buffered } = this.#video;
    if (!buffered.length) return;
    const edge = this.#engine?.liveEdge?.() ?? buffered.end(buffered.length - 1) - NEAR_SECONDS;
    if (edge > this.#video.currentTime) this.#video.currentTime = edge;
  }

  async #start() {
    this.#end({ keep: true });
    const turn = ++this.#turn;
    this.#become("loading");
    const usable = usableEngines(this.#play, { ladder: this.quality !== "source" && !this.#ladderFailed });
    if (usable.length === 0) {
      this.#become("failed", { reason: "unsupported" });
      return;
    }
    try {
      const open = await fetchEngine(usable[this.#choice % usable.length], this.#vendor);
      // Two engines at one video element would end each other.
      if (turn !== this.#turn) return;
      const onFault = (fault) => turn === this.#turn && this.#fault(fault);
      this.#engine = open({ video: this.#video, play: this.#play, quality: this.quality, onFault });
    } catch (error) {
      if (turn !== this.#turn) return;
      if (!(error instanceof Unsupported)) this.#fault({ kind: "network" });
      else if (++this.#choice < usable.length) this.#start();
      else this.#become("failed", { reason: "unsupported" });
      return;
    }
    this.#moved = { time: 0, at: Date.now() + LOAD_MS - STALL_MS };
    this.#nudged = false;
    try {
      await this.#video.play();
    } catch (error) {
      if (turn === this.#turn && error.name === "NotAllowedError") this.#become("blocked");
    }
  }

  #playing() {
    if (this.#engine === null) return;
    this.#moved = { time: this.#video.currentTime, at: Date.now() };
    this.#still.hidden = true;
    // The gateway begins with the last group of pictures: skip to its end at once.
    if (this.behind > 1.5) this.toLive();
    this.#become("playing");
  }

  /** Once a second: is it still moving, and near the live edge? */
  #watch() {
    if (this.#engine === null || this.state === "blocked") return;
    const [video, now] = [this.#video, Date.now()];
    if (video.paused) {
      if (this.#pausedAt && now - this.#pausedAt > UNLOAD_PAUSED_MS) this.#end({ keep: true });
      return;
    }
    if (video.currentTime !== this.#moved.time) {
      this.#moved = { time: video.currentTime, at: now };
      if (this.state === "playing" && now - this.#engine.startedAt > 5_000) this.#forgive();
      // A tab in the background falls behind, and a lost second of network is never caught up by speed alone.
      if (this.#engine.chases && this.behind > FAR_SECONDS) this.toLive();
    } else if (now - this.#moved.at > STALL_MS) {
      // There is more, so it hangs at a gap: over it once, and anew if that does not help.
      if (this.behind > 1 && !this.#nudged) {
        this.#nudged = true;
        this.#moved.at = now;
        this.toLive();
      } else this.#again("stalled");
    }
  }

  #forgive() {
    this.#attempt = 0;
    this.#refreshed = this.#nudged = false;
  }

  /** `fault.kind`: network, ended, refused (with its HTTP status), media, ladder (it is gone). */
  async #fault({ kind, status = 0, message = "" }) {
    if (kind === "ladder" || (kind === "media" && this.#engine?.name === "ladder")) {
      // The source is played instead, until the ladder is another or somebody asks for it again.
      this.#ladderFailed = true;
      this.#again("media");
    } else if (kind === "media") {
      this.#choice += 1;
      this.#again("media");
    } else if (kind === "refused" && status !== 404) {
      await this.#refused({ status, message });
    } else {
      // Every third time by the other way, where there is one: some networks let only HLS through.
      if (kind === "network" && this.#attempt % 3 === 2) this.#choice += 1;
      this.#again(status === 404 ? "not_live" : kind);
    }
  }

  /** An address that had run out is renewed once; what is refused with a new one is refused. */
  async #refused({ status, message }) {
    const turn = this.#turn;
    this.#end({ keep: status !== UNPLAYABLE });
    if (!this.#refreshed && status !== UNPLAYABLE) {
      this.#refreshed = true;
      const fresh = await this.#refresh().catch(() => null);
      if (turn !== this.#turn || this.#play === null) return;
      if (fresh) {
        this.#play = fresh;
        this.#start();
        return;
      }
    }
    const said = this.#play.flv ? await refusalOf(this.#play.flv) : { name: "", detail: "" };
    if (turn !== this.#turn || this.#play === null) return;
    // Nobody of ours said it: the gateway is away for a moment, as after a restart.
    if (status >= 500 && !said.name) {
      this.#again("network");
      return;
    }
    const reason = said.name === "picture_unplayable" ? "unplayable" : status === 401 || status === 403 ? "refused" : "busy";
    this.#become("failed", { reason, message: said.detail || message });
    this.#later(REFUSED_RETRY_MS, () => {
      this.#refreshed = false;
      this.#start();
    });
  }

  #again(reason) {
    // Its playlists are there and nothing new comes: the second time it is the ladder's fault.
    if (reason === "stalled" && this.#engine?.name === "ladder" && this.#attempt > 0) this.#ladderFailed = true;
    const byViewer = this.#engine !== null && this.#pausedAt > 0;
    this.#end({ keep: true });
    this.#turn += 1;
    // Who pressed pause does not want it to start by itself.
    if (byViewer) return;
    const most = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** this.#attempt++);
    this.#become("loading", { reason });
    this.#later(most / 2 + (Math.random() * most) / 2, () => this.#start());
  }

  #later(ms, act) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, ms);
  }

  #end({ keep }) {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (keep) this.#keepPicture();
    else this.#still.hidden = true;
    this.#engine?.close();
    this.#engine = null;
  }

  /** The video element goes black between two connections; the canvas behind it does not. */
  #keepPicture() {
    const { videoWidth: width, videoHeight: height, readyState } = this.#video;
    if (this.#engine === null || !width || readyState < 2) return;
    const scale = Math.min(1, 1280 / width);
    Object.assign(this.#still, { width: Math.round(width * scale), height: Math.round(height * scale) });
    try {
      this.#still.getContext("2d").drawImage(this.#video, 0, 0, this.#still.width, this.#still.height);
      this.#still.hidden = false;
    } catch {
      this.#still.hidden = true;
    }
  }

  #become(state, more = {}) {
    this.state = state;
    this.#onState({ state, ...more });
  }
}

/** An address without its signature, which is new in every answer. */
function path(address) {
  return address ? new URL(address, location.href).pathname : "";
}
