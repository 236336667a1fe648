/** Whom one follows and how far one has come: the follow button, a new level, somebody who is live. A part of the page. */

import { byId, shownName } from "./dom.js";
import { toast } from "./toasts.js";

const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

export class Following {
  #page;
  #busy = false;

  you = {
    level: ({ level, badges }) => {
      Object.assign(this.#page.state.me, { level, ...(badges ? { badges } : {}) });
      toast({ title: `Level ${Number(level)}`, text: "You have reached a new level.", sign: "star" });
    },
    live: ({ room, title, owner }) => {
      if (room === this.#page.shell.room) return;
      const { sdkappid } = this.#page.shell;
      const href = `/r/${encodeURIComponent(room)}${sdkappid ? `?sdkappid=${sdkappid}` : ""}`;
      const who = shownName(owner?.nick, owner?.id ?? "Somebody you follow", 30);
      toast({ title: `${who} is live`, text: shownName(title, "", 100), link: { href, text: "Watch" }, sign: "play" });
    },
  };

  constructor(page) {
    this.#page = page;
    byId("follow").addEventListener("click", () => this.#toggle());
  }

  render() {
    const { room, me, socket } = this.#page.state;
    const button = byId("follow");
    const owner = room?.owner ?? {};
    const own = me.id !== undefined && me.id !== "" && me.id === owner.id;
    button.hidden = socket.state === "refused" || !owner.id || owner.followers === undefined;
    button.disabled = this.#busy || own;
    button.setAttribute("aria-pressed", String(Boolean(owner.is_following)));
    const words = own ? "Followers" : owner.is_following ? "Following" : "Follow";
    const number = Number.isFinite(owner.followers) ? compact.format(owner.followers) : "";
    byId("follow-words").textContent = words;
    byId("follow-count").textContent = number;
    button.title = Number.isFinite(owner.followers) ? `${owner.followers.toLocaleString("en-US")} follower${owner.followers === 1 ? "" : "s"}` : "";
  }

  async #toggle() {
    if (this.#page.guest) {
      this.#page.askToSignIn("Sign in to follow.");
      return;
    }
    const { owner } = this.#page.state.room;
    const path = `/users/${encodeURIComponent(owner.id)}/follow`;
    const on = !owner.is_following;
    this.#set(owner, on);
    this.#busy = true;
    this.render();
    try {
      const said = await (on ? this.#page.api.put(path) : this.#page.api.delete(path));
      if (Number.isFinite(said?.followers)) owner.followers = said.followers;
    } catch (error) {
      this.#set(owner, !on);
      toast({ title: on ? "Not followed" : "Still followed", text: error.message, sign: "stop" });
    }
    this.#busy = false;
    this.render();
  }

  /** The number moves with the click. */
  #set(owner, on) {
    owner.is_following = on;
    if (Number.isFinite(owner.followers)) owner.followers = Math.max(0, owner.followers + (on ? 1 : -1));
  }
}
