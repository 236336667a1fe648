/**
 * One viewer's place in a room: connects, joins, stays, comes back. No dependencies; usable outside this page.
 *
 *   const socket = new RoomSocket({ urls: ["wss://live.example/ws/v1"], room: "demo", usersig });
 *   socket.on("snapshot", (snapshot, { recovered }) => {}); // the room as it is; not `recovered`: drop what you have
 *   socket.on("event", (event) => {});                      // each numbered one once, in order, without gaps
 *   socket.connect();
 *   await socket.send("comment", { text: "hi", cid: "1" }); // any command of the protocol; taps: socket.like()
 *
 * A lost connection is resumed from the last number seen. Where the server no longer has what was missed it says so:
 * `recovered` is false and the snapshot stands. A refusal ends in the state `refused`; `connect()` tries again.
 * More to listen to: `state` ({ state, retryAt, error }: connecting joined waiting refused closed), `you` (an event for
 * this person alone, once), `lapse` (some of those are gone; the snapshot tells what they changed), `likes` ({ total, error }).
 */

import { LikeSum } from "./room-likes.js";

const ANSWER_MS = 10_000;
const PING_MS = 25_000;
const BACKOFF_MS = 1_000;
const BACKOFF_MAX_MS = 15_000;
const STEADY_MS = 5_000;
const HELD_FRAMES = 200;

/** Codes of a refused join that pass by themselves: unavailable, too many requests, timeout. */
const PASSING = new Set([10002, 10006, 10023, 60007, 60011, 60018, 70169]);

/** What the close codes mean that forbid coming back (4100–4199). */
const CLOSED = new Map([
  [4101, ["bad_token", "The sign-in is not valid or has expired."]],
  [4102, ["wrong_origin", "This site is not allowed to show this room."]],
  [4103, ["banned", "You are banned from this room."]],
  [4104, ["room_gone", "This room was closed."]],
  [4108, ["entered_another_room", "You entered another room in another window."]],
]);

/** A refusal by the server, or why an answer never came (`offline`, `timeout`). */
export class RoomError extends Error {
  constructor({ code = 0, name = "error", message = "", ...more }) {
    super(message || name);
    this.code = code;
    this.kind = name;
    this.retryAfterMs = more.retry_after_ms ?? 0;
  }
}

const offline = () => new RoomError({ name: "offline", message: "There is no connection at the moment." });

/** Full jitter: anywhere between now and the doubled limit, so that a thousand viewers do not come back at once. */
export function backoff(attempt, random = Math.random) {
  return random() * Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** Math.min(attempt, 10));
}

export class RoomSocket {
  #options;
  #listeners = new Map();
  #ws = null;
  #timers = new Map();
  #answers = new Map();
  #lastId = 0;
  #url = 0;
  #attempt = 0;
  #held = null;
  #bye = null;
  #at = null;
  #you = null;
  #clock = { offset: 0, trip: Infinity };
  #likes = new LikeSum({
    ask: (count) => this.send("like", { room: this.#options.room, count }),
    told: (error) => this.#emit("likes", { total: this.#likes.total, error }),
  });

  state = "idle";

  /**
   * `urls`: tried in turn until one opens. `overlay`: hears, is not counted, may not speak. `WebSocket` and `random` are
   * for tests.
   */
  constructor({ urls, room, usersig = "", sdkappid = null, password = "", platform = "web", overlay = false, ...more }) {
    this.#options = { urls, room, usersig, sdkappid, password, platform, overlay };
    this.#options.random = more.random ?? Math.random;
    this.#options.WebSocket = more.WebSocket ?? globalThis.WebSocket;
    globalThis.addEventListener?.("online", () => this.hurry());
  }

  /** Listen to `state`, `snapshot`, `event`, `you`, `lapse` or `likes`; the answer stops listening. */
  on(type, listener) {
    const all = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, all.add(listener));
    return () => all.delete(listener);
  }

  /** The server's clock in ms since 1970, as well as we know it. */
  now() {
    return Date.now() + this.#clock.offset;
  }

  /** Connect, or connect again with another token or password; what was seen so far is resumed. */
  connect(changed = {}) {
    if (changed.usersig !== undefined && changed.usersig !== this.#options.usersig) {
      this.#you = null;
      this.#likes.fail(offline());
    }
    Object.assign(this.#options, changed);
    this.#attempt = 0;
    this.#leave();
    this.#open();
  }

  /** Do not wait for the next attempt any longer. */
  hurry() {
    if (this.state !== "waiting") return;
    this.#attempt = 0;
    this.#open();
  }

  close() {
    this.#leave();
    this.#likes.fail(new RoomError({ name: "closed", message: "This connection was closed." }));
    this.#become("closed");
  }

  /** The room's likes, with one's own taps that are on their way. */
  get likes() {
    return this.#likes.total;
  }

  /**
   * One tap, or several. They are summed and sent at most every half a second; resolves with { total, counted } of the
   * sum that they went in. What was not counted rejects; it need not be caught, `likes` tells it too.
   */
  like(count = 1) {
    if (this.state === "joined") return this.#likes.tap(count);
    const refused = Promise.reject(offline());
    refused.catch(() => {});
    return refused;
  }

  /** One command; resolves with its answer, rejects with a RoomError. Nothing is sent again by itself. */
  send(type, fields = {}) {
    if (this.state !== "joined") return Promise.reject(offline());
    return this.#ask(type, fields);
  }

  #ask(type, fields) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#answers.delete(id);
        reject(new RoomError({ name: "timeout", message: "The server did not answer." }));
      }, ANSWER_MS);
      this.#answers.set(id, { resolve, reject, timer });
      this.#ws.send(JSON.stringify({ ...fields, id, type }));
    });
  }

  #address() {
    const { urls, sdkappid, platform } = this.#options;
    const url = new URL(urls[this.#url % urls.length], globalThis.location?.href);
    url.protocol = url.protocol.replace(/^http/, "ws");
    url.searchParams.set("platform", platform);
    if (sdkappid) url.searchParams.set("sdkappid", sdkappid);
    if (this.#you !== null) url.searchParams.set("you", `${this.#you.epoch}.${this.#you.useq}`);
    return url.href;
  }

  #open() {
    this.#stop("retry");
    this.#bye = null;
    this.#held = [];
    this.#become("connecting");
    let ws;
    try {
      // As a subprotocol the token stays out of addresses, and so out of logs.
      const { WebSocket, usersig } = this.#options;
      ws = new WebSocket(this.#address(), usersig ? ["liveroom.v1", usersig] : ["liveroom.v1"]);
    } catch {
      // Such as ws:// asked for by an https page.
      this.#next();
      return;
    }
    this.#ws = ws;
    let opened = false;
    this.#start("open", ANSWER_MS, () => this.#next());
    ws.onopen = () => {
      opened = true;
      this.#stop("open");
      this.#join(ws);
    };
    ws.onmessage = ({ data }) => this.#ws === ws && this.#frame(data);
    ws.onclose = ({ code }) => {
      if (opened) this.#lost(ws, code);
      else if (this.#ws === ws) this.#next();
    };
  }

  /** This address does not open: the next one at once, and after the last one a pause. */
  #next() {
    this.#leave();
    this.#url += 1;
    if (this.#url % this.#options.urls.length === 0) this.#later(this.#jitter());
    else this.#open();
  }

  async #join(ws) {
    const { room, password, overlay } = this.#options;
    const since = this.#at ? { since: { ...this.#at } } : {};
    const asked = Date.now();
    try {
      const asks = { room, ...since, ...(password ? { password } : {}), ...(overlay ? { overlay } : {}) };
      const answer = await this.#ask("join", asks);
      if (this.#ws === ws) this.#joined(answer, asked);
    } catch (error) {
      if (this.#ws !== ws) return;
      if (error.kind === "timeout" || error.kind === "offline") {
        this.#lost(ws, 0);
      } else if (PASSING.has(error.code)) {
        this.#leave();
        this.#later(Math.max(error.retryAfterMs, this.#jitter()));
      } else {
        this.#refused(error);
      }
    }
  }

  #joined(answer, asked) {
    const snapshot = answer.snapshot ?? answer;
    const recovered = Boolean(answer.recovered ?? snapshot.recovered) && this.#at !== null;
    this.#tick(snapshot.server_time, asked);
    if (!recovered) this.#at = { epoch: snapshot.epoch, seq: snapshot.seq };
    const [ws, held] = [this.#ws, this.#held];
    this.#held = null;
    this.#become("joined");
    this.#likes.know(snapshot.likes, { fresh: true });
    this.#emit("snapshot", snapshot, { recovered });
    for (const frame of held) if (this.#ws === ws) this.#batch(frame);
    if (this.#ws !== ws) return;
    this.#likes.open();
    this.#start("steady", STEADY_MS, () => (this.#attempt = 0));
    this.#start("ping", PING_MS, () => this.#ping());
  }

  async #ping() {
    const [ws, asked] = [this.#ws, Date.now()];
    try {
      const answer = await this.#ask("ping", {});
      this.#tick(answer.server_time, asked);
      if (this.#ws === ws) this.#start("ping", PING_MS, () => this.#ping());
    } catch {
      this.#lost(ws, 0);
    }
  }

  /** The answer with the shortest way there and back knows the server's clock best. */
  #tick(time, asked) {
    const at = typeof time === "string" ? Date.parse(time) : time;
    const trip = Date.now() - asked;
    if (!Number.isFinite(at) || trip > this.#clock.trip) return;
    this.#clock = { offset: at + trip / 2 - Date.now(), trip };
  }

  #frame(data) {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    if (frame.id !== undefined && this.#answers.has(frame.id)) {
      const { resolve, reject, timer } = this.#answers.get(frame.id);
      this.#answers.delete(frame.id);
      clearTimeout(timer);
      if (frame.ok) resolve(frame);
      else reject(new RoomError(frame.error ?? {}));
    } else if (frame.type === "batch" && frame.room === this.#options.room) {
      if (this.#held === null) this.#batch(frame);
      else if (this.#held.length < HELD_FRAMES) this.#held.push(frame);
    } else if (frame.type === "you") {
      this.#personal(frame);
    } else if (frame.type === "bye") {
      this.#bye = frame;
      // The server closes; if it cannot, we do.
      this.#start("open", 5_000, () => this.#lost(this.#ws, 0));
    }
  }

  #batch({ epoch, events = [] }) {
    if (this.#ws === null) return;
    if (epoch !== undefined && epoch !== this.#at.epoch) {
      // The server lost its memory: join again and hear what stands now.
      this.#lost(this.#ws, 0);
      return;
    }
    for (const event of events) {
      if (event.seq === undefined) {
        if (event.type === "likes") this.#likes.know(event.total);
        this.#emit("event", event);
        continue;
      }
      if (event.seq <= this.#at.seq) continue;
      if (event.seq > this.#at.seq + 1) {
        this.#lost(this.#ws, 0);
        return;
      }
      this.#at.seq = event.seq;
      this.#emit("event", event);
    }
  }

  /** Words for this person have their own numbers and their own resume: the address names the last one that was heard. */
  #personal({ epoch, useq, events = [], recovered }) {
    const asked = this.#you !== null;
    if (this.#you?.epoch !== epoch) this.#you = { epoch, useq: 0 };
    if (recovered === false && asked) this.#emit("lapse");
    for (const event of events) {
      if (event.useq !== undefined && event.useq <= this.#you.useq) continue;
      this.#you.useq = event.useq ?? this.#you.useq;
      this.#emit("you", event);
    }
    this.#you.useq = Math.max(this.#you.useq, useq ?? 0);
  }

  #lost(ws, code) {
    if (this.#ws !== ws) return;
    const bye = this.#bye;
    this.#leave();
    const forbidden = (code >= 4100 && code <= 4199) || bye?.reconnect === false;
    if (forbidden) {
      const [name, message] = CLOSED.get(code) ?? [bye?.reason ?? "closed", "The server closed this connection."];
      this.#refused(new RoomError({ code, name, message: bye?.message || message }));
      return;
    }
    this.#later((bye?.after_ms ?? 0) + this.#jitter());
  }

  #refused(error) {
    this.#leave();
    this.#likes.fail(error);
    this.#become("refused", { error });
  }

  #jitter() {
    return backoff(this.#attempt++, this.#options.random);
  }

  #later(ms) {
    this.#start("retry", ms, () => this.#open());
    this.#become("waiting", { retryAt: Date.now() + ms });
  }

  #leave() {
    const ws = this.#ws;
    this.#ws = null;
    this.#likes.shut();
    for (const name of [...this.#timers.keys()]) this.#stop(name);
    for (const { reject, timer } of this.#answers.values()) {
      clearTimeout(timer);
      reject(new RoomError({ name: "offline", message: "The connection was lost." }));
    }
    this.#answers.clear();
    if (ws) {
      ws.onopen = ws.onmessage = ws.onclose = null;
      ws.close();
    }
  }

  #start(name, ms, act) {
    this.#stop(name);
    this.#timers.set(name, setTimeout(act, ms));
  }

  #stop(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  #become(state, more = {}) {
    this.state = state;
    this.#emit("state", { state, ...more });
  }

  #emit(type, ...values) {
    for (const listener of this.#listeners.get(type) ?? []) {
      try {
        listener(...values);
      } catch (error) {
        console.error(error);
      }
    }
  }
}
