/**
 * The viewer page: one room, its picture, its comments, and its parts. Everything that is shown follows from `state`.
 *
 * A part is given the `page` and may have `events` (by type: what the room hears), `you` (what this viewer alone hears),
 * `enter(snapshot, { recovered })` and `render(now)`, twice a second and after every change.
 */

import { Api, newId } from "./api.js";
import { Broadcasts } from "./broadcasts.js";
import { CommentList } from "./comments.js";
import { Composer } from "./composer.js";
import { Controls } from "./controls.js";
import { Danmaku } from "./danmaku.js";
import { Delay } from "./delay.js";
import { announce, avatar, byId, clockText, instant, shownName } from "./dom.js";
import { Draws } from "./draws.js";
import { Gifts } from "./gifts.js";
import { Hearts } from "./hearts.js";
import { showNotice } from "./notice.js";
import { Pins } from "./pins.js";
import { Player } from "./player.js";
import { Polls } from "./polls.js";
import { Quality } from "./quality.js";
import { Ranking } from "./ranking.js";
import { Replay } from "./replay/replay.js";
import { RoomSocket } from "./room-socket.js";
import { Session } from "./session.js";
import { FOREVER, closedBox } from "./speaking.js";
import { BADGES, Stage, scene } from "./stage.js";
import { Following } from "./standing.js";
import { TimeShift } from "./timeshift/timeshift.js";
import { Arrivals, moderated } from "./tips.js";

const shell = JSON.parse(byId("shell").textContent);
const IN_HISTORY = new Set(["comment", "gift"]);
const TOLD = {
  live: "The stream is live.",
  paused: "The picture was lost; it comes back by itself.",
  ended: "The stream has ended.",
  played_back: "The recording is published.",
};

const state = {
  socket: { state: "idle" },
  player: { state: "idle" },
  room: null,
  replay: null,
  shift: null,
  me: {},
  mutedUntil: 0,
  mutedAll: false,
  slowUntil: 0,
  remark: "",
};

const session = new Session(shell);
const danmaku = new Danmaku({ layer: byId("bullets") });
const comments = new CommentList({ list: byId("comments"), scroller: byId("scroller"), pill: byId("pill") });
const player = new Player({
  video: byId("video"),
  still: byId("still"),
  vendor: shell.vendor,
  refresh: fresh,
  onState: (now) => {
    state.player = now;
    render();
  },
});
const controls = new Controls({ player, danmaku });
const composer = new Composer({ submit: (text, style) => send({ text, ...style, cid: newId() }) });
const stage = new Stage({ act });
const arrivals = new Arrivals();
const hearts = new Hearts({ tap: like });
const socket = new RoomSocket({
  urls: shell.sockets,
  room: shell.room,
  sdkappid: shell.sdkappid,
  usersig: session.usersig,
});
const api = new Api({ ...shell, session, password: () => state.password ?? "" });

/** What a part may use of the page. */
const page = {
  shell,
  state,
  session,
  socket,
  api,
  comments,
  danmaku,
  player,
  hearts,
  hear, direct, fresh,
  refresh: render,
  /** A recording in place of the live picture, and its keys; null: live again. */
  film: (film) => (controls.player = film ?? player),
  keys: (keys) => controls.also(keys),
  clear: () => PARTS.forEach((part) => part.clear?.()),
  get guest() {
    return !session.usersig || state.me.role === "guest" || state.me.guest === true;
  },
  askToSignIn(words) {
    state.remark = words;
    render();
    byId("nick")?.focus();
    announce(words);
  },
  /** A comment as if it was typed; true once the server has taken it. */
  say: (text) => send({ text, cid: newId() }),
};

const replay = new Replay(page);
const shift = new TimeShift(page);
const PARTS = [...[Broadcasts, Gifts, Draws, Polls, Pins, Following, Ranking, Quality, Delay].map((Part) => new Part(page)), replay, shift];

socket.on("state", (now) => {
  state.socket = now;
  if (now.state === "refused" && now.error.kind === "bad_token" && session.usersig) {
    session.forget();
    state.remark = "Your sign-in has expired. Sign in again to comment.";
    socket.connect({ usersig: "" });
    return;
  }
  if (now.state === "refused") player.stop();
  render();
});

socket.on("likes", ({ total }) => state.replay || (hearts.total = total));

socket.on("snapshot", (snapshot, { recovered }) => {
  const { room = snapshot } = snapshot;
  state.room = { ...room, starts_at: instant(room.starts_at), play: snapshot.play ?? room.play ?? null };
  state.me = snapshot.me ?? {};
  state.mutedUntil = instant(state.me.muted_until) ?? (state.me.muted ? FOREVER : 0);
  state.mutedAll = Boolean(snapshot.muted_all ?? state.me.muted_all);
  comments.me = state.me.id ?? session.user;
  if (!recovered && !state.replay) comments.reset((snapshot.history ?? []).filter(({ type = "comment" }) => IN_HISTORY.has(type)));
  showOnline(snapshot.online);
  if (!state.replay) hearts.total = socket.likes;
  for (const part of PARTS) part.enter?.(replay.bare(snapshot), { recovered });
  showRoom();
  direct();
});

const EVENTS = {
  comment(event) {
    const whose = comments.add(event);
    if (whose !== "echo") danmaku.add({ ...event, own: whose === "own" });
  },
  status({ status, starts_at: startsAt }) {
    const changed = state.room.status !== status;
    Object.assign(state.room, { status, starts_at: instant(startsAt) });
    if (changed && TOLD[status]) comments.tell(TOLD[status]);
    direct();
  },
  notice({ notice }) {
    state.room.notice = notice;
    showRoom();
  },
  room({ type, seq, t, ...changed }) {
    if (changed.owner?.id === state.room.owner?.id) changed.owner = { ...state.room.owner, ...changed.owner };
    Object.assign(state.room, changed);
    if ("starts_at" in changed) state.room.starts_at = instant(changed.starts_at);
    showRoom();
  },
  async stream({ stream, on_air: onAir, unplayable = null }) {
    if (onAir && state.room.play?.stream === stream) {
      state.room.play.unplayable = unplayable;
      direct();
      player.retry();
      return;
    }
    // Another stream is on the programme now. Addresses are each viewer's own, so an event cannot carry them.
    state.room.play = await fresh().catch(() => null);
    direct();
  },
  role({ user, role }) {
    if (user.id === state.me.id) state.me.role = role;
    const name = shownName(user.nick, user.id);
    comments.tell(role === "admin" ? `${name} is a moderator now.` : `${name} is no longer a moderator.`);
  },
  online: ({ online }) => showOnline(online),
  system: ({ text }) => text && comments.tell(String(text).slice(0, 300)),
  likes({ users = [], count = 0 }) {
    // One's own have risen already.
    const own = users.find((user) => user.id === state.me.id)?.count ?? 0;
    hearts.rise(Math.ceil((count - own) / 4));
  },
  join(event) {
    const { text, again } = arrivals.add(event, { me: state.me.id, now: Date.now(), goesOn: comments.arrivalIsLast });
    if (text) comments.arrive(text, { again });
  },
  mute(event) {
    if (event.user.id === state.me.id) state.mutedUntil = instant(event.until) ?? FOREVER;
    else comments.tell(moderated(event));
    render();
  },
  unmute(event) {
    if (event.user.id === state.me.id) state.mutedUntil = 0;
    else comments.tell(moderated(event));
    render();
  },
  mute_all(event) {
    state.mutedAll = Boolean(event.on);
    comments.tell(moderated(event));
    render();
  },
  ban: (event) => comments.tell(moderated(event)),
};

function hear(event) {
  EVENTS[event.type]?.(event);
  for (const part of PARTS) part.events?.[event.type]?.(event);
}

socket.on("event", (event) => replay.lets(event) && shift.lets(event) && hear(event));
socket.on("you", (event) => {
  for (const part of PARTS) part.you?.[event.type]?.(event);
  if (event.room !== undefined && event.room !== shell.room) return;
  if (event.type === "mute") state.mutedUntil = instant(event.until) ?? FOREVER;
  if (event.type === "unmute") state.mutedUntil = 0;
  render();
});

// Words to this viewer are gone: only another join says whether it may speak.
socket.on("lapse", () => socket.state === "joined" && socket.connect());

/** The play addresses of this moment, for this viewer. */
function fresh() {
  return session.playOf(shell.room, { sdkappid: shell.sdkappid, password: state.password });
}

/** Point the player at what the room shows now. */
function direct() {
  const { status, play } = state.room;
  if (state.replay || state.shift) player.stop();
  else if (status === "live" && play && !play.unplayable) player.show(play);
  else player.stop({ keep: status === "live" || status === "paused" });
  render();
}

/** A tap on the heart; the number moves at once, the server hears of it within half a second. */
function like() {
  if (page.guest) {
    page.askToSignIn("Sign in to send a like.");
    return;
  }
  try {
    socket.like().catch((error) => composer.remark(`Your like was not counted: ${error.message}`));
    hearts.rise(1);
  } catch {
    // A thousand wait already: nobody taps so fast.
  }
}

async function send(comment) {
  const { cid, text, color, position } = comment;
  const again = () => deliver(comment);
  const from = { id: state.me.id ?? session.user, nick: state.me.nick ?? session.nick, ...state.me };
  comments.expect({ cid, text, color, from, again });
  const taken = await deliver(comment);
  if (taken) danmaku.add({ text, color, position, own: true });
  return taken;
}

/** True once the server has taken it; else the comment in the list says why not. */
async function deliver({ cid, text, color, position }) {
  try {
    const { result = "delivered", event } = await socket.send("comment", { room: shell.room, cid, text, color, position });
    comments.settle(cid, result, event);
    return result !== "held";
  } catch (error) {
    const wait = error.retryAfterMs ? socket.now() + error.retryAfterMs : 0;
    if (error.kind === "muted") state.mutedUntil = wait || FOREVER;
    if (error.kind === "muted_all") state.mutedAll = true;
    if (error.kind === "too_often") state.slowUntil = wait;
    const passes = error.kind === "offline" || error.kind === "timeout" || wait > 0;
    comments.fail(cid, { message: error.message, again: passes && !error.kind.startsWith("muted") });
    render();
    return false;
  }
}

/** What a button of the stage or the banner asks for. */
function act(name, value) {
  if (name === "play") controls.play();
  else if (name === "watch") replay.begin(null);
  else if (name === "leave") replay.leave();
  else if (name === "live") shift.toLive();
  else if (name === "hurry") socket.hurry();
  else if (name === "here") socket.connect();
  else if (name === "password") {
    state.password = value;
    socket.connect({ password: value });
  } else if (state.socket.state === "refused") socket.connect();
  else player.retry();
}

let saidClosed = "";

/** The box opens and closes by itself; a moderator's word is also read out, at its beginning and at its end. */
function showBox(now) {
  const { reason, until, said } = closedBox({ ...state, now });
  composer.close(reason, until ? Date.now() + until - now : 0);
  composer.tick(Date.now());
  if (said && saidClosed !== reason) announce(`${reason.replace(/\.$/, "")}. You cannot comment now.`);
  else if (saidClosed && reason === "") announce("You can comment again.");
  if (said || reason === "") saidClosed = said ? reason : "";
}

function render() {
  const [{ socket: link, room }, now] = [state, socket.now()];
  stage.show(scene({ ...state, now }), now);
  const known = room ?? shell.seen;
  const status = link.state === "refused" ? "" : state.replay ? "played_back" : (known?.status ?? "");
  const badge = byId("badge");
  badge.dataset.status = status;
  badge.textContent = BADGES[status] ?? "";
  badge.hidden = status === "";
  byId("online").hidden = room === null || link.state === "refused";

  const { guest } = page;
  byId("login").hidden = !guest || link.state === "refused";
  byId("composer").hidden = guest && link.state !== "refused";
  byId("comments").dataset.empty = room !== null && link.state !== "refused" ? (state.replay ? "Nothing was said up to here." : "No comments yet. Say hello!") : "";
  byId("login-remark").textContent = state.remark;
  byId("whoami").hidden = guest;
  hearts.closed = link.state !== "joined" || state.replay !== null;
  const name = shownName(state.me.nick || session.nick, state.me.id || session.user);
  byId("whoami-name").textContent = name;
  composer.name = name;
  showBox(now);

  const lost = room !== null && (link.state === "waiting" || link.state === "connecting");
  const wait = link.retryAt ? link.retryAt - Date.now() : 0;
  byId("banner").hidden = !lost;
  if (lost) byId("banner-text").textContent = wait > 1_000 ? `Connection lost. Trying again in ${clockText(wait)}.` : "Connection lost. Reconnecting…";
  for (const part of PARTS) part.render?.(now);
  controls.refresh();
  byId("stage").classList.toggle("empty", !(state.replay ? replay.seen : state.shift ? state.shift.state !== "failed" : state.player.state === "playing"));
}

function showRoom() {
  const { room } = state;
  const title = shownName(room.title, shell.room, 100);
  byId("title").textContent = title;
  document.title = title;
  showOwner(room.owner ?? {});
  const line = showNotice(byId("notice"), room.notice) || showNotice(byId("introduction"), room.introduction);
  showNotice(byId("introduction"), room.introduction);
  byId("about-line").textContent = line;
  byId("about").hidden = line === "";
}

function showOwner(owner) {
  byId("owner").textContent = shownName(owner.nick, owner.id ?? "");
  byId("owner-sign").replaceChildren(avatar(owner));
}

function showOnline(online) {
  if (!Number.isFinite(online)) return;
  const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
  byId("online-count").textContent = compact.format(online);
  byId("online").title = `${online} watching`;
}

byId("banner-retry").addEventListener("click", () => act("hurry"));
for (const button of document.querySelectorAll("[data-sign-out]")) {
  button.addEventListener("click", () => {
    session.forget();
    socket.connect({ usersig: "" });
  });
}
byId("demo-login")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [input, button] = [byId("nick"), event.target.querySelector("button")];
  button.disabled = true;
  try {
    await session.enterDemo(input.value.trim());
    state.remark = "";
    socket.connect({ usersig: session.usersig });
    setTimeout(() => composer.focus(), 0);
  } catch (error) {
    state.remark = error.message;
  }
  button.disabled = false;
  render();
});
if (byId("nick")) byId("nick").value = session.lastNick;

// Where page.css puts the picture beside the talk and has place below it.
const wide = matchMedia("(min-width: 900px) and (min-height: 501px)");
const unfold = () => (byId("about").open = wide.matches);
wide.addEventListener("change", unfold);
unfold();

if (shell.seen) showOwner(shell.seen.owner);
setInterval(render, 500);
render();
socket.connect();
