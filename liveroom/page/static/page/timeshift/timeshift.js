/**
 * Pause a running stream, go back in it, return to live. A part of the page.
 *
 * It is there where the play addresses have a `timeshift`. While the picture is behind, `page.state.shift` is not null, the live player is
 * off, and comments, gifts and likes are told at the picture's moment (`heard.js`). Where everybody is kept behind (`delay`), the live
 * player plays the delayed list, and the same is told at its moment.
 */

import { announce, byId, clockText } from "../dom.js";
import { WindowBar } from "./bar.js";
import { WindowFilm } from "./film.js";
import { HELD, Heard } from "./heard.js";

const STEP_MS = 10_000;
const TICK_MS = 200;
// Nearer to the live edge than this is live: the newest item is not there yet.
const NEAR_MS = 3_000;
const JUMP_MS = 3_000;
// After the show: how long nothing may move before the end is shown.
const STILL_MS = 6_000;

export class TimeShift {
  #page;
  #bar;
  #heard;
  #film = null;
  #pausedAt = null;
  #told = null;
  #there = false;
  #entered = false;
  #still = { at: 0, since: 0 };

  /** The window has changed: the addresses have, too. */
  events = {
    stream: async ({ stream, timeshift = null }) => {
      const { room } = this.#page.state;
      if (timeshift === null || room?.play?.stream !== stream) return;
      const play = await this.#page.fresh().catch(() => null);
      if (!play || room !== this.#page.state.room) return;
      room.play = play;
      if (!play.timeshift && this.active) this.toLive();
      this.#page.direct();
    },
  };

  constructor(page) {
    this.#page = page;
    this.#bar = new WindowBar({ seek: (ms) => this.go(ms) });
    this.#heard = new Heard({ ask: (window) => this.#ask(window) });
    page.player.shift = { paused: () => this.#paused(), resumed: () => this.#resumed() };
    byId("shift-back").addEventListener("click", () => this.#step(-STEP_MS));
    byId("edge").addEventListener("click", () => this.toLive());
    setInterval(() => this.#tick(), TICK_MS);
  }

  /** Whether an earlier moment is shown. */
  get active() {
    return this.#film !== null;
  }

  /** Whether an event is for somebody who sees what was; one that is not is told in its time. */
  lets(event) {
    if (!HELD.has(event.type)) return true;
    // Also before there is a window: it is to be there again when somebody comes back to live.
    this.#heard.keep(event);
    return !this.#there || !this.#holds;
  }

  enter(snapshot, { recovered }) {
    if (!recovered) {
      this.#heard.begin(this.#page.socket.now(), snapshot.history ?? []);
      this.#told = null;
      if (this.active) this.#hearFrom(this.#film.timeMs);
    }
    if (!this.#entered) queueMicrotask(() => this.#arrive());
    this.#entered = true;
  }

  /** What the address asks for. */
  #arrive() {
    const asked = new URLSearchParams(location.search).get("delay");
    const window = this.#window;
    if (asked === null || window === null) return;
    const delay = /^\d{1,7}$/.test(asked) ? Number(asked) : -1;
    if (delay < window.delay || delay > window.seconds) {
      announce(`delay is ${window.delay} to ${window.seconds} seconds here.`);
      return;
    }
    if (delay > window.delay) this.go(this.#page.socket.now() - delay * 1_000);
  }

  render(now) {
    const window = this.#window;
    const there = window !== null;
    if (there !== this.#there) {
      this.#there = there;
      if (there && !this.#page.state.replay) this.#page.keys({ arrowleft: () => this.#step(-STEP_MS), arrowright: () => this.#step(STEP_MS) });
      else if (!this.#page.state.replay) this.#page.keys(null);
      document.querySelector(".room").classList.toggle("shiftable", there);
    }
    if (there) this.#bar.show({ from: this.#from(now), now, at: this.active ? this.#film.timeMs : this.#pausedAt });
  }

  get #window() {
    const { room, replay } = this.#page.state;
    if (replay || !room || !(room.status === "live" || room.status === "paused" || this.active)) return null;
    return room.play?.timeshift ?? null;
  }

  /** The oldest moment. */
  #from(now) {
    const { from, seconds } = this.#window;
    return Math.min(now, Math.max(Date.parse(from), now - seconds * 1_000));
  }

  get #delayed() {
    return (this.#window?.delay ?? 0) > 0;
  }

  /** Whether what is heard now belongs to a later picture. */
  get #holds() {
    return this.active || this.#pausedAt !== null || this.#delayed;
  }

  /** When the picture that is shown was sent; null: now. */
  get #pictureMs() {
    if (this.active) return this.#film.timeMs;
    if (this.#pausedAt !== null) return this.#pausedAt;
    if (!this.#delayed) return null;
    return this.#page.player.date ?? this.#page.socket.now() - this.#window.delay * 1_000;
  }

  /** Show that moment; nearly now is live. */
  go(ms) {
    const window = this.#window;
    if (window === null) return;
    const now = this.#page.socket.now();
    const edge = now - window.delay * 1_000 - NEAR_MS;
    if (ms > edge) {
      this.toLive();
      return;
    }
    const at = Math.max(ms, this.#from(now) + 500);
    if (this.active) this.#film.seek(at);
    else this.#open(at);
    this.#hearFrom(at);
  }

  #open(at) {
    const page = this.#page;
    const address = async (ms, { fresh }) => {
      if (fresh) page.state.room.play = (await page.fresh().catch(() => null)) ?? page.state.room.play;
      const url = page.state.room.play?.timeshift?.url;
      return url ? `${url}${url.includes("?") ? "&" : "?"}from=${(ms / 1_000).toFixed(3)}` : null;
    };
    this.#pausedAt = null;
    this.#film = new WindowFilm({
      video: byId("video"), vendor: page.shell.vendor, address, now: () => page.socket.now(), onState: (now) => this.#filmed(now),
    });
    document.querySelector(".room").classList.add("shifted");
    page.state.shift = { state: "loading" };
    page.film(this.#film);
    page.direct();
    this.#film.open(at);
  }

  #filmed(now) {
    if (this.#film === null) return;
    this.#page.danmaku.held = now.state !== "playing";
    if (now.state === "over") {
      this.toLive();
      return;
    }
    this.#page.state.shift = now;
    this.#page.refresh();
  }

  /** The picture of now, and what is said now. */
  toLive() {
    const { comments, danmaku, state } = this.#page;
    const was = this.active || this.#pausedAt !== null;
    if (!was) return;
    this.#film?.close();
    [this.#film, this.#pausedAt, this.#told] = [null, null, null];
    this.#heard.rest();
    state.shift = null;
    danmaku.held = false;
    document.querySelector(".room").classList.remove("shifted");
    this.#page.film(null);
    danmaku.clear();
    if (!this.#delayed) comments.reset(this.#heard.lines);
    this.#page.direct();
    announce("Live again.");
  }

  #step(ms) {
    if (this.#window === null) return;
    const now = this.#page.socket.now();
    this.go((this.#pictureMs ?? now - this.#page.player.behind * 1_000) + ms);
  }

  /** The viewer stopped the live picture: it goes on there. */
  #paused() {
    if (this.#window === null || this.active) return;
    this.#pausedAt = this.#pictureMs ?? this.#page.socket.now() - this.#page.player.behind * 1_000;
    if (this.#told === null) this.#hearFrom(this.#pausedAt, { keep: true });
  }

  #resumed() {
    const at = this.#pausedAt;
    if (at === null) return false;
    this.#pausedAt = null;
    if (this.#window === null || at > this.#page.socket.now() - this.#window.delay * 1_000 - NEAR_MS) {
      // Not worth going back: what was held is told.
      this.#pausedAt = at;
      this.toLive();
      return false;
    }
    this.#open(at);
    announce(`Going on where you paused, ${clockText(this.#page.socket.now() - at)} behind.`);
    return true;
  }

  /** `keep`: the list is as it should be. */
  async #hearFrom(ms, { keep = false } = {}) {
    this.#told = ms;
    if (!keep) this.#page.danmaku.clear();
    const lines = await this.#heard.seek(ms);
    if (lines !== null && !keep && this.#holds) this.#page.comments.reset(lines);
  }

  #tick() {
    if (!this.#there || !this.#holds) return;
    const at = this.#pictureMs;
    if (this.active) this.#watchEnd(at);
    if (this.#told === null || at < this.#told - 1_000 || at > this.#told + JUMP_MS) {
      this.#hearFrom(at);
      return;
    }
    this.#told = Math.max(this.#told, at);
    for (const event of this.#heard.advance(at)) this.#page.hear(event);
  }

  /** A show that is over is seen to its end; then the room says so. */
  #watchEnd(at) {
    const now = Date.now();
    if (at !== this.#still.at || this.#film.paused) this.#still = { at, since: now };
    const { status } = this.#page.state.room;
    if (status !== "live" && status !== "paused" && now - this.#still.since > STILL_MS) this.toLive();
  }

  #ask({ from, to, before }) {
    const room = encodeURIComponent(this.#page.shell.room);
    const query = `from_ms=${Math.round(from)}&to_ms=${Math.round(to)}&before=${before}`;
    return this.#page.api.get(`/rooms/${room}/heard?${query}`, { kept: true });
  }
}
