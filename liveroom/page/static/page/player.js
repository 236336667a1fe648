/**
 * The picture: the ladder by hls.js if there is one and its viewer does not want the source; else by the nearest way that the browser
 * can and the network holds (ways.js): HTTP-FLV by mpegts.js, low-latency HLS and HLS by hls.js, the browser's own HLS.
 *
 * It follows the live edge and reconnects by itself until it is told to stop. `onState` hears
 * { state, reason?, message? }: idle, loading, playing, blocked (the browser wants a click), held, failed.
 */

import { Unsupported, fetchEngine, refusalOf, usableEngines } from "./engines.js";
import { Ways } from "./ways.js";

const RETRY_MS = 600;
const RETRY_MAX_MS = 8_000;
const REFUSED_RETRY_MS = 15_000;
// The gateway's status for a codec that no browser plays: another address does not help.
const UNPLAYABLE = 415;
// What the gateway says to who asks for low delay where it cannot be had: another way may do.
const NOT_SO = new Set([400, 415]);
const STALL_MS = 5_000;
const LOAD_MS = 12_000;
const FAR_SECONDS = 4;
const NEAR_SECONDS = 0.4;
const UNLOAD_PAUSED_MS = 30_000;
// A picture that stands for less is not seen to; what a beginning or a jump to the live edge costs does not count.
const SHORT_MS = 250;
const SETTLE_MS = 4_000;
// Not all viewers at the same moment.
const MOVE_MS = 5_000;

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
  #ways = new Ways();
  #unsupported = new Set();
  #stoodAt = 0;
  #jumpedAt = 0;
  #moving = 0;
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

  /** By which way the source comes: auto, or the name of an engine. */
  way = "auto";

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
    video.addEventListener("waiting", () => this.#stands());
    setInterval(() => this.#watch(), 1_000);
  }

  /** Play these addresses ({flv, ll_hls, hls, ladder}); the same ones again change nothing but what the next connection uses. */
  show(play) {
    const [was, now] = [this.#play, { ...play }];
    const same = was !== null && path(now.flv) === path(was.flv) && path(now.hls) === path(was.hls);
    const other = path(now.ladder) !== path(was?.ladder);
    this.#play = now;
    if (other) this.#ladderFailed = false;
    if (same && (!other || this.quality === "source")) return;
    // It has gone before anybody moved to it.
    if (same && !now.ladder && this.#engine && this.#engine.name !== "ladder") {
      clearTimeout(this.#moving);
      return;
    }
    // A ladder that comes while the source plays well can wait a moment, so that not everybody asks for it at once.
    if (same && now.ladder && this.quality === "auto" && this.state === "playing") {
      this.#moving = setTimeout(() => this.state === "playing" && this.#anew(), MOVE_MS * (0.2 + 0.8 * Math.random()));
      return;
    }
    this.#anew();
  }

  #anew() {
    this.#attempt = 0;
    this.#ways.reset();
    this.#refreshed = false;
    this.#start();
  }

  /** A quality by hand, or `auto`. */
  choose(quality) {
    if (quality === this.quality) return;
    this.quality = quality;
    this.#ladderFailed = false;
    if (this.#play === null || !this.#play.ladder || this.#engine?.choose?.(quality)) return;
    this.#anew();
  }

  /** A way by hand, or `auto`. A ladder stays as it is. */
  takeWay(way) {
    if (way === this.way) return;
    this.way = way;
    if (this.#play !== null && this.#engine?.name !== "ladder") this.#anew();
  }

  /** The ways that can be chosen now; none while a ladder is shown. */
  get ways() {
    return this.#play === null || this.#engine?.name === "ladder" ? [] : this.#usable({ way: "auto", ladder: false });
  }

  /** The name of the engine that shows the picture. */
  get engine() {
    return this.#engine?.name ?? "";
  }

  #usable({ way = this.way, ladder = this.quality !== "source" && !this.#ladderFailed } = {}) {
    return usableEngines(this.#play, { way, ladder }).filter((name) => !this.#unsupported.has(name));
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

  /** How many seconds the picture is behind the newest that the server has. */
  get delay() {
    return this.#engine?.delay ?? this.behind;
  }

  toLive() {
    const { buffered } = this.#video;
    this.#jumpedAt = Date.now();
    if (!buffered.length) return;
    const edge = this.#engine?.liveEdge?.() ?? buffered.end(buffered.length - 1) - NEAR_SECONDS;
    if (edge > this.#video.currentTime) this.#video.currentTime = edge;
  }

  async #start() {
    this.#end({ keep: true });
    const turn = ++this.#turn;
    this.#become("loading");
    const usable = this.#usable();
    if (usable.length === 0) {
      this.#become("failed", { reason: "unsupported" });
      return;
    }
    const name = usable[0] === "ladder" ? "ladder" : this.#ways.of(usable);
    try {
      const open = await fetchEngine(name, this.#vendor);
      // Two engines at one video element would end each other.
      if (turn !== this.#turn) return;
      const onFault = (fault) => turn === this.#turn && this.#fault(fault);
      this.#engine = open({ video: this.#video, play: this.#play, quality: this.quality, onFault });
    } catch (error) {
      if (turn !== this.#turn) return;
      if (!(error instanceof Unsupported)) this.#fault({ kind: "network" });
      else {
        this.#unsupported.add(name);
        this.#start();
      }
      return;
    }
    this.#stoodAt = 0;
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
    const [now, stood] = [Date.now(), this.#stoodAt];
    this.#stoodAt = 0;
    this.#moved = { time: this.#video.currentTime, at: now };
    this.#still.hidden = true;
    if (stood && now - stood > SHORT_MS && this.#nextIfStalled(now)) return;
    // The gateway begins with the last group of pictures: skip to its end at once.
    if (this.behind > 1.5) this.toLive();
    this.#become("playing");
  }

  /** The picture ran out of data. */
  #stands() {
    const now = Date.now();
    const settled = now - Math.max(this.#jumpedAt, this.#engine?.startedAt ?? now) > SETTLE_MS;
    if (this.state === "playing" && settled && !document.hidden && !this.#video.paused) this.#stoodAt = now;
  }

  #nextIfStalled(now) {
    if (this.#engine.name === "ladder" || !this.#ways.stalled(this.#usable({ ladder: false }), now)) return false;
    this.#start();
    return true;
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
      if (this.state === "playing" && this.#engine.name !== "ladder" && !document.hidden && this.#ways.moves(now)) this.#start();
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
    } else if (kind === "media" || (this.#engine?.name === "ll" && NOT_SO.has(status))) {
      this.#ways.next();
      this.#again("media");
    } else if (kind === "refused" && status !== 404) {
      await this.#refused({ status, message });
    } else {
      // Every third time by another way, where there is one: some networks let only HLS through.
      if (kind === "network" && this.#attempt % 3 === 2) this.#ways.next();
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
    // A picture that stops for seconds is the worst of stalls.
    if (reason === "stalled" && this.#engine && this.#engine.name !== "ladder") this.#ways.stalled(this.#usable({ ladder: false }), Date.now());
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
    clearTimeout(this.#moving);
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
