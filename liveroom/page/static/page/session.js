/**
 * Who is watching: a UserSig that the embedding site put into the fragment, or one of the demo login.
 *
 * It is kept for this tab only, and never stays in the address bar, where it would be copied with the link.
 */

import { remember } from "./dom.js";

const SHAPE = /^[A-Za-z0-9*_-]{16,4096}$/;

export class Session {
  #key;
  #api;
  usersig = "";
  user = "";
  nick = "";

  constructor({ sdkappid, api }) {
    this.#key = `liveroom:${sdkappid}:session`;
    this.#api = api;
    try {
      const kept = JSON.parse(remember("sessionStorage", this.#key) ?? "{}");
      if (SHAPE.test(kept.usersig)) Object.assign(this, { usersig: kept.usersig, user: kept.user ?? "", nick: kept.nick ?? "" });
    } catch {
      this.forget();
    }
    this.#takeFragment();
  }

  #takeFragment() {
    const fragment = new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));
    if (!fragment.has("usersig")) return;
    const usersig = fragment.get("usersig");
    fragment.delete("usersig");
    const rest = fragment.toString();
    history.replaceState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
    if (SHAPE.test(usersig)) this.#keep({ usersig, user: "", nick: "" });
  }

  #keep(who) {
    Object.assign(this, who);
    remember("sessionStorage", this.#key, JSON.stringify(who));
  }

  forget() {
    Object.assign(this, { usersig: "", user: "", nick: "" });
    remember("sessionStorage", this.#key, null);
  }

  /** The nick of the last demo login on this machine. */
  get lastNick() {
    return remember("localStorage", "liveroom:nick") ?? "";
  }

  /** A person of the demo app with this nick. Throws with a sentence for the reader. */
  async enterDemo(nick) {
    const body = await this.#post("/demo/tokens", { nick });
    remember("localStorage", "liveroom:nick", nick);
    this.#keep({ usersig: body.usersig, user: body.user, nick: body.nick });
  }

  async #post(path, body) {
    let answer;
    try {
      const headers = { "content-type": "application/json" };
      answer = await fetch(this.#api + path, { method: "POST", headers, body: JSON.stringify(body) });
    } catch {
      throw new Error("The server cannot be reached. Check your connection and try again.");
    }
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) return said;
    throw new Error(said.detail ?? `The server answered ${answer.status}. Try again in a moment.`);
  }

  /** Fresh play addresses of a room, or null where there are none now. */
  async playOf(room, { sdkappid, password }) {
    const headers = {
      ...(this.usersig ? { authorization: `Bearer ${this.usersig}` } : {}),
      ...(password ? { "room-password": password } : {}),
    };
    const query = sdkappid ? `?sdkappid=${sdkappid}` : "";
    const answer = await fetch(`${this.#api}/rooms/${encodeURIComponent(room)}/play${query}`, { headers, cache: "no-store" });
    return answer.ok ? answer.json() : null;
  }
}
