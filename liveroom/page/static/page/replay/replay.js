/**
 * A recording in place of the live picture, with everything that the room heard at its moment. A part of the page.
 *
 * It begins where the room is `played_back` or the address names one (`?recording=`, `?t=`); nobody is sent into it while watching.
 * While it is on, `page.state.replay` is not null, the room's talk of today is not shown, and nothing can be said.
 */

import { announce, byId } from "../dom.js";
import { Bar } from "./bar.js";
import { Film } from "./film.js";
import { hearAgain } from "./heard.js";
import { Shelf, momentOf } from "./shelf.js";
import { Track, likesAt, windowOf } from "./track.js";

const TICK_MS = 100;
const STEP_MS = 5_000;
// A tab in the background looks once a second; more than that in one tick is a jump.
const JUMP_MS = 4_000;
// What the room hears today and is of no show.
const OF_TODAY = new Set(["room", "online", "stream", "broadcast"]);
const LIST = 50;

export class Replay {
  #page;
  #film = null;
  #track = null;
  #bar;
  #shelf;
  #recordings = [];
  #now = null;
  #at = 0;
  #likes = -1;
  #rose = 0;
  #seeking = 0;
  #entered = false;
  #seen = false;
  #notice = "";

  constructor(page) {
    this.#page = page;
    this.#bar = new Bar({ seek: (ms) => this.seek(ms) });
    const file = (format) => page.api.file(`/recordings/${encodeURIComponent(this.#now.id)}/comments?format=${format}`);
    this.#shelf = new Shelf({ choose: (id) => this.begin(id), seek: (ms) => this.seek(ms), address: () => this.#address(), file });
    byId("replay-rate").addEventListener("change", ({ target }) => this.#film && (this.#film.rate = Number(target.value)));
    for (const id of ["replay-leave", "replay-live"]) byId(id).addEventListener("click", () => this.leave());
    setInterval(() => this.#tick(), TICK_MS);
  }

  get active() {
    return this.#page.state.replay !== null;
  }

  /** Whether there is a picture to put buttons over. */
  get seen() {
    return this.#seen;
  }

  /** Whether an event of today is for somebody who watches yesterday. */
  lets({ type, status }) {
    if (this.active && type === "status") this.#turned(status);
    return !this.active || OF_TODAY.has(type);
  }

  /** The snapshot without what can be taken part in. */
  bare(snapshot) {
    return this.active ? { ...snapshot, polls: [], draws: [], pinned: null } : snapshot;
  }

  /** Called with the first snapshot, when it is known that this viewer may be in the room. */
  enter() {
    if (this.#entered) return;
    this.#entered = true;
    const asked = new URLSearchParams(location.search);
    if (asked.has("recording")) this.begin(asked.get("recording"), momentOf(asked.get("t")));
    else if (this.#page.state.room.status === "played_back") this.begin(null, momentOf(asked.get("t")));
  }

  /** Who is put out of the room sees no more of it. */
  render() {
    if (this.#film && this.#page.state.socket.state === "refused") this.#end(null);
  }

  /** Play a recording, the latest if none is named. */
  async begin(id, at = 0) {
    const { room } = this.#page.state;
    if (!this.active) this.#notice = room.notice;
    this.#become({ state: "loading" });
    try {
      const list = await this.#page.api.get(`/rooms/${encodeURIComponent(this.#page.shell.room)}/recordings?limit=${LIST}`);
      this.#recordings = list.results;
      const wanted = id ?? best(list.results)?.id;
      if (wanted === undefined) {
        room.recorded = false;
        this.leave();
        return;
      }
      this.#now = await this.#page.api.get(`/recordings/${encodeURIComponent(wanted)}/playback`);
    } catch (error) {
      this.#become({ state: "refused", message: error.message });
      return;
    }
    this.#open(at);
  }

  #open(at) {
    const { id, play, duration_ms: durationMs } = this.#now;
    const address = new URL(location.href);
    address.searchParams.set("recording", id);
    address.searchParams.delete("t");
    history.replaceState(null, "", address);
    this.#film?.close();
    const refresh = async () => (await this.#page.api.get(`/recordings/${encodeURIComponent(id)}/playback`)).play;
    const onState = (now) => this.#filmed(now);
    this.#film = new Film({ video: byId("video"), vendor: this.#page.shell.vendor, refresh, onState });
    this.#track = new Track({ ask: (window) => this.#ask(id, window), windowMs: windowOf(this.#now) });
    document.querySelector(".room").classList.add("replaying");
    this.#page.film(this.#film);
    this.#page.keys({ arrowleft: () => this.#step(-STEP_MS), arrowright: () => this.#step(STEP_MS) });
    this.#bar.show(this.#now);
    this.#shelf.show(this.#recordings, this.#now);
    this.#film.rate = Number(byId("replay-rate").value);
    const start = at < durationMs ? at : 0;
    this.#film.open({ ...play, durationMs, at: start });
    this.#hearFrom(start);
  }

  #ask(id, { from, to, before }) {
    return this.#page.api.get(`/recordings/${encodeURIComponent(id)}/replay?from_ms=${from}&to_ms=${to}&before=${before}`, { kept: true });
  }

  seek(ms) {
    if (!this.#film) return;
    const at = Math.max(0, Math.min(Math.round(ms), this.#now.duration_ms - 1));
    this.#film.seek(at);
    this.#hearFrom(at);
  }

  #step(ms) {
    if (!this.#film) return;
    this.seek(this.#film.timeMs + ms);
  }

  /** The list as it was at that moment; nothing flies that was said before it. */
  async #hearFrom(at) {
    const { comments, danmaku } = this.#page;
    const turn = ++this.#seeking;
    [this.#at, this.#likes] = [at, -1];
    danmaku.clear();
    this.#page.clear();
    this.#bar.at(at, at);
    try {
      const then = await this.#track.seek(at);
      if (then === null || turn !== this.#seeking) return;
      comments.reset(then.lines);
      const standing = { pin: { type: "pin", pinned: null }, notice: { type: "notice", notice: this.#notice } };
      for (const event of then.standing) standing[event.type] = event;
      for (const event of Object.values(standing)) this.#page.hear(event);
    } catch (error) {
      if (turn !== this.#seeking) return;
      if (!error.passes) {
        this.#end({ state: "refused", message: error.message });
        return;
      }
      setTimeout(() => turn === this.#seeking && this.#film && this.#hearFrom(Math.round(this.#film.timeMs)), 2_000);
    }
  }

  /** Ten times a second: what is due is told, whatever the picture does. */
  #tick() {
    if (!this.#film || this.#film.state === "failed") return;
    const ms = Math.round(this.#film.timeMs);
    if (ms < this.#at - 500 || ms > this.#at + JUMP_MS * Number(byId("replay-rate").value)) {
      // Somebody seeks by other means: a headset, the browser's own controls.
      this.#hearFrom(ms);
      return;
    }
    this.#at = Math.max(this.#at, ms);
    this.#bar.at(ms, this.#film.bufferedMs);
    this.#showLikes(ms);
    for (const event of this.#track.advance(ms)) hearAgain(event, this.#page);
  }

  #showLikes(ms) {
    const total = likesAt(this.#now.likes, ms);
    if (total === this.#likes) return;
    const { hearts } = this.#page;
    // As in the live room, which hears of likes once a second.
    if (this.#likes >= 0 && Date.now() - this.#rose > 1_000) {
      this.#rose = Date.now();
      hearts.rise(2);
    }
    hearts.total = this.#likes = total;
  }

  #filmed({ state, message }) {
    this.#page.danmaku.held = state !== "playing";
    this.#seen ||= state === "playing" || state === "paused";
    this.#become({ state, message });
    if (state === "ended") announce("The recording is over.");
  }

  #become(now) {
    this.#page.state.replay = now;
    this.#page.direct();
  }

  #turned(status) {
    this.#page.state.room.status = status;
    byId("replay-live").hidden = status !== "live";
    if (status === "live") announce("The room is live now.");
  }

  #address() {
    const address = new URL(location.href);
    address.hash = "";
    address.searchParams.set("recording", this.#now?.id ?? "");
    address.searchParams.set("t", String(Math.floor((this.#film?.timeMs ?? 0) / 1_000)));
    return address.href;
  }

  #end(now) {
    this.#film?.close();
    [this.#film, this.#track, this.#seen] = [null, null, false];
    this.#seeking += 1;
    this.#page.danmaku.held = false;
    document.querySelector(".room").classList.remove("replaying");
    this.#page.film(null);
    this.#page.keys(null);
    this.#become(now);
  }

  /** Back to the room as it is today. */
  leave() {
    const was = this.#film !== null;
    this.#end(null);
    if (!was) return;
    const address = new URL(location.href);
    for (const name of ["recording", "t"]) address.searchParams.delete(name);
    history.replaceState(null, "", address);
    this.#page.clear();
    this.#page.socket.connect();
  }
}

/** Of the latest show the kind that plays best. */
function best(recordings) {
  const order = ["mp4", "hls", "flv", "aac", "mp3"];
  const latest = recordings.filter(({ session }) => session === recordings[0].session);
  return latest.sort((one, other) => order.indexOf(one.format) - order.indexOf(other.format))[0];
}
