/**
 * The comments and gifts of a room alone, for a browser source or dock of OBS: hears, is not counted, comes back for ever. It begins
 * empty: what was said before it was loaded is old.
 *
 * `?size=` letters in px (28), `?limit=` lines (12), `?fade=` seconds until a line goes (0: it stays), `?dir=down` the newest
 * on top. Behind the `#`, where no log has it: `password=` of the room, `usersig=` where guests may not come in.
 */

import { byId, element, hueOf, instant, shownName } from "./dom.js";
import { giftOf, giftPicture, times } from "./gift-look.js";
import { RoomSocket } from "./room-socket.js";

const AGAIN_MS = 20_000;
const FADE_MS = 600;
const MOST_CHARACTERS = 300;
const SHOWN = new Set(["comment", "gift"]);
const ROLES = { owner: "Streamer", admin: "Moderator" };

/** The numbers of the address, each within its bounds, or its usual value. */
export function settingsOf(search) {
  const query = new URLSearchParams(search);
  const number = (name, usual, least, most) => {
    const given = Number.parseFloat(query.get(name) ?? "");
    return Number.isFinite(given) ? Math.min(most, Math.max(least, given)) : usual;
  };
  return {
    size: number("size", 28, 10, 200),
    limit: Math.round(number("limit", 12, 1, 100)),
    fade: number("fade", 0, 0, 3600),
    down: query.get("dir") === "down",
  };
}

/** Lines of comments, bounded; `now()` is the server's clock, so that an old comment fades when it should. */
export class Lines {
  #list;
  #limit;
  #fade;
  #now;
  #ends = new WeakMap();

  /** `fade` in seconds; 0: lines stay until newer ones need their place. */
  constructor({ list, limit, fade, now }) {
    [this.#list, this.#limit, this.#fade, this.#now] = [list, limit, fade * 1000, now];
    if (fade > 0) setInterval(() => this.#sweep(), 200);
  }

  /** Of what was said before `since` (server's ms) nothing is shown: it would appear in the middle of somebody's picture. */
  reset(comments, since) {
    this.#list.replaceChildren();
    for (const comment of comments.filter(({ t }) => t > since).slice(-this.#limit)) this.add(comment);
  }

  add(comment) {
    const end = this.#fade === 0 ? Infinity : comment.t + this.#fade;
    if (end <= this.#now()) return;
    const line = this.#line(comment);
    this.#ends.set(line, end);
    this.#list.append(line);
    while (this.#list.childElementCount > this.#limit) this.#list.firstElementChild.remove();
  }

  #sweep() {
    const now = this.#now();
    for (const line of [...this.#list.children]) {
      const left = this.#ends.get(line) - now;
      line.classList.toggle("gone", left < FADE_MS);
      if (left <= 0) line.remove();
    }
  }

  #line(event) {
    const { from = {}, color } = event;
    const gift = event.type === "gift" ? giftOf(event) : null;
    const nick = element("bdi", { class: "nick", text: shownName(from.nick, from.id || "someone") });
    const said = gift ? giftSaid(gift) : textSaid(event);
    if (/^#[0-9a-f]{6}$/i.test(color ?? "")) said.style.color = color;
    const role = ROLES[from.role];
    const sign = role ? [element("span", { class: `role ${from.role}`, text: role })] : [];
    const line = element("li", { class: gift ? "line gift" : "line" }, ...sign, nick, said);
    line.style.setProperty("--hue", hueOf(from.id ?? ""));
    return line;
  }
}

function giftSaid(gift) {
  return element("span", { class: "text" }, "sent ", element("bdi", { text: gift.name }), giftPicture(gift), element("b", { class: "gift-times", text: times(gift.combo) }));
}

function textSaid({ text }) {
  const words = [...String(text ?? "")];
  const shown = words.length > MOST_CHARACTERS ? `${words.slice(0, MOST_CHARACTERS).join("")}…` : words.join("");
  return element("span", { class: "text", dir: "auto", text: shown });
}

function begin() {
  const shell = JSON.parse(byId("shell").textContent);
  const { size, limit, fade, down } = settingsOf(location.search);
  const secret = new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));
  document.body.style.setProperty("--size", `${size}px`);
  byId("chat").classList.toggle("down", down);

  const socket = new RoomSocket({
    urls: shell.sockets,
    room: shell.room,
    sdkappid: shell.sdkappid,
    usersig: secret.get("usersig") ?? "",
    password: secret.get("password") ?? "",
    overlay: true,
  });
  const lines = new Lines({ list: byId("chat"), limit, fade, now: () => socket.now() });
  // After a long break the history fills the gap; what is older than this source stays away.
  let began = 0;
  socket.on("snapshot", (snapshot, { recovered }) => {
    began ||= instant(snapshot.server_time) ?? socket.now();
    if (!recovered) lines.reset((snapshot.history ?? []).filter(({ type = "comment" }) => SHOWN.has(type)), began);
  });
  socket.on("event", (event) => SHOWN.has(event.type) && lines.add(event));
  socket.on("state", ({ state, error }) => {
    byId("chat").dataset.state = state;
    // A short break is nobody's business; a refusal is for whoever sets this up.
    byId("trouble").hidden = state !== "refused" && (state !== "connecting" || byId("trouble").hidden);
    if (state !== "refused") return;
    byId("trouble").textContent = helpFor(error);
    setTimeout(() => socket.connect(), AGAIN_MS * (0.5 + Math.random()));
  });
  socket.connect();
}

function helpFor(error) {
  if (error.kind === "password_needed") return "This room has a password: add #password=… to this source’s address.";
  if (error.kind === "not_on_the_list" || error.kind === "log_in_first") {
    return "This room lets in people it knows: add #usersig=… to this source’s address.";
  }
  return error.message;
}

if (byId("chat") && byId("shell")) begin();
