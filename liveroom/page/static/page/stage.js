/** What stands over the picture, and what the badge says: one pure decision, and the node that shows it. */

import { byId, clockText, element, icon } from "./dom.js";

export const BADGES = {
  to_be_started: "Soon",
  live: "Live",
  paused: "Paused",
  ended: "Ended",
  played_back: "Playback",
};

/** Reasons for which a room lets nobody in by itself: title, text, what the viewer can do. */
const REFUSALS = {
  password_needed: { icon: "lock", title: "This room has a password", action: "password" },
  not_on_the_list: { icon: "lock", title: "Invited people only" },
  log_in_first: { icon: "lock", title: "Sign in to watch" },
  banned: { icon: "stop", title: "You are banned", action: "again" },
  room_gone: { icon: "over", title: "This room was closed", text: "It will not come back under this address." },
  entered_another_room: {
    icon: "over",
    title: "You are in another room",
    text: "You can be in one room at a time, and entered another one in a second window.",
    action: "here",
  },
  full: { icon: "wait", title: "This room is full", action: "again" },
  kicked: { icon: "stop", title: "You were removed from this room" },
};
const ALIASES = { room_unknown: "room_gone", room_id_malformed: "room_gone", disbanded: "room_gone", room_full: "full" };
ALIASES.viewer_limit = ALIASES.bandwidth_limit = "full";

function refusal(error) {
  const known = REFUSALS[ALIASES[error.kind] ?? error.kind];
  if (!known) return { icon: "stop", title: "You cannot enter this room now", text: error.message, action: "again" };
  return { ...known, text: known.text ?? error.message };
}

/**
 * The scene for { socket: {state, error}, room, player: {state, reason, message}, now } (`room` is null before the first
 * join): { key, icon, title, text, until?, action?, busy?, clear? }. `clear` lets the picture through.
 */
export function scene({ socket, room, player, now, replay = null, shift = null }) {
  if (socket.state === "refused") return { key: `refused-${socket.error.kind}`, ...refusal(socket.error) };
  if (room === null) {
    if (socket.state !== "waiting") return { key: "entering", busy: true, title: "Entering the room…" };
    return {
      key: "unreachable", icon: "offline", title: "The room cannot be reached",
      text: "It is tried again by itself. Check your connection if this lasts.", action: "hurry",
    };
  }
  if (replay) return replayed(replay);
  if (shift) return shifted(shift);
  return { ...SCENES[room.status]?.({ room, player, now }) };
}

/** A recording in place of the live picture. */
function replayed({ state, message }) {
  if (state === "loading") return { key: "loading", busy: true, title: "The recording is loading…" };
  if (state === "blocked") return { key: "blocked", icon: "play", title: "Ready to play", text: "Your browser wants you to start it.", action: "play" };
  if (state === "failed") return { key: "replay-failed", icon: "offline", title: "The recording cannot be played", text: message, action: "play" };
  if (state === "refused") return { key: "replay-refused", icon: "lock", title: "There is no recording to watch", text: message, action: "leave" };
  return { key: "replay", clear: true };
}

/** An earlier moment of the running stream. */
function shifted({ state, message }) {
  if (state === "loading") return { key: "shift-loading", busy: true, title: "Going back…" };
  if (state === "blocked") return { key: "blocked", icon: "play", title: "Ready to play", text: "Your browser wants you to start it.", action: "play" };
  if (state === "failed") return { key: "shift-failed", icon: "offline", title: "This cannot be played", text: message, action: "live" };
  return { key: "shift", clear: true };
}

const SCENES = {
  to_be_started({ room, now }) {
    const left = room.starts_at === null ? null : room.starts_at - now;
    if (left === null) {
      return { key: "soon", icon: "clock", title: "Not started yet", text: "Stay here: the picture comes by itself." };
    }
    if (left <= 0) {
      return { key: "due", icon: "clock", title: "Starting any moment", text: "The streamer is expected now. Stay here: the picture comes by itself." };
    }
    return { key: "countdown", title: "Starts in", until: room.starts_at, text: startText(room.starts_at) };
  },

  live({ room, player }) {
    if (player.state === "playing") return { key: "playing", clear: true };
    if (player.state === "blocked") return { key: "blocked", icon: "play", title: "Ready to play", text: "Your browser wants you to start it.", action: "play" };
    if (room.play?.unplayable) return unplayable(room.play.unplayable.message);
    if (player.state === "failed") return failed(player);
    if (!room.play && player.state !== "loading") {
      return { key: "waiting", busy: true, title: "Waiting for the picture…", text: "The streamer is live; the picture is on its way." };
    }
    const text = {
      stalled: "The picture stopped arriving. Reconnecting…",
      network: "The picture cannot be reached. Trying again…",
      media: "The picture could not be read. Trying another way…",
      not_live: "The streamer is live; the picture is on its way.",
      ended: "The picture broke off. Reconnecting…",
    }[player.reason];
    return { key: "loading", busy: true, title: "Waiting for the picture…", text: text ?? "" };
  },

  paused: () => ({
    key: "paused", icon: "pause", title: "Paused",
    text: "The streamer’s connection was lost. It comes back by itself: stay here.",
  }),

  ended: () => ({ key: "ended", icon: "over", title: "The stream has ended", text: "Thank you for watching." }),

  played_back: ({ room }) => ({
    key: "over", icon: "over", title: "The stream is over",
    ...(room.recorded === false ? { text: "Thank you for watching." } : { text: "Its recording is published.", action: "watch" }),
  }),
};

/** Nothing to click: it plays by itself once the streamer has changed it, and never before. */
function unplayable(message) {
  return { key: "unplayable", icon: "stop", title: "The picture cannot be played", text: message };
}

function failed({ reason, message }) {
  if (reason === "unplayable") return unplayable(message);
  if (reason === "unsupported") {
    return {
      key: "unsupported", icon: "stop", title: "This browser cannot play the stream",
      text: "Open the page in a newer Chrome, Edge, Firefox or Safari. The comments work here too.",
    };
  }
  const busy = reason === "busy";
  return {
    key: busy ? "picture-full" : "picture-refused", icon: busy ? "wait" : "lock", action: "again",
    title: busy ? "No free place for the picture" : "The picture was refused",
    text: message || "It is tried again by itself every few seconds.",
  };
}

function startText(at) {
  const day = new Date(at);
  const today = new Date().toDateString() === day.toDateString();
  const time = day.toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" });
  return today ? `Today at ${time}` : `${day.toLocaleDateString(undefined, { weekday: "long", month: "long", day: "numeric" })} at ${time}`;
}

/** Puts scenes on the page. `act(name, value)` hears the buttons. The live region says each new scene once. */
export class Stage {
  #box = byId("scene");
  #live = byId("announcer");
  #key = "";
  #until = null;
  #digits = null;
  #act;

  constructor({ act }) {
    this.#act = act;
  }

  show(next, now) {
    const { key, title = "", text = "" } = next;
    if (`${key}|${text}` !== this.#key) {
      this.#key = `${key}|${text}`;
      this.#draw(next);
      const said = [title, next.until ? "" : text].filter(Boolean).join(". ");
      this.#live.textContent = next.clear ? "The picture is playing." : said;
    }
    this.#until = next.until ?? null;
    this.tick(now);
  }

  tick(now) {
    if (this.#until === null || this.#digits === null) return;
    const left = this.#until - now;
    const days = Math.floor(left / 86_400_000);
    this.#digits.textContent = days > 0 ? `${days} d ${clockText(left - days * 86_400_000)}` : clockText(left);
  }

  #draw({ key, title, text, until, action, busy, clear, icon: sign }) {
    this.#box.hidden = Boolean(clear);
    this.#box.dataset.key = key ?? "";
    this.#digits = until ? element("p", { class: "countdown", role: "timer" }) : null;
    this.#box.replaceChildren(
      ...(busy ? [element("span", { class: "spinner", "aria-hidden": "true" })] : []),
      ...(sign ? [element("span", { class: "sign" }, icon(sign))] : []),
      ...(title ? [element("h2", { text: title })] : []),
      ...(this.#digits ? [this.#digits] : []),
      ...(text ? [element("p", { class: "why", text })] : []),
      ...(action ? [this.#action(action)] : []),
    );
    this.#box.querySelector("input")?.focus({ preventScroll: true });
  }

  #action(name) {
    if (name !== "password") {
      const label = { again: "Try again", hurry: "Try now", here: "Watch here instead", play: "Play", watch: "Watch the recording", leave: "Go to the room", live: "Back to live" }[name];
      const button = element("button", { class: "primary", type: "button", text: label });
      button.addEventListener("click", () => this.#act(name));
      return button;
    }
    const input = element("input", { type: "password", autocomplete: "current-password", "aria-label": "Password of the room", maxlength: 72, required: "" });
    const form = element("form", { class: "row" }, input, element("button", { class: "primary", text: "Enter" }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (input.value) this.#act("password", input.value);
    });
    return form;
  }
}
