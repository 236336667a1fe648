/** Who gave most: this stream, today, this week, ever. Read when it is looked at. A part of the page. */

import { avatar, byId, element, shownName } from "./dom.js";
import { money } from "./gift-panel.js";

const LIMIT = 20;
const FRESH_MS = 10_000;

export class Ranking {
  #page;
  #scope = "stream";
  #timer = 0;
  #asked = 0;

  constructor(page) {
    this.#page = page;
    const tabs = [byId("tab-comments"), byId("tab-ranking")];
    for (const [at, tab] of tabs.entries()) {
      tab.addEventListener("click", () => this.#choose(tabs, at));
      tab.addEventListener("keydown", ({ key }) => {
        if (key !== "ArrowLeft" && key !== "ArrowRight") return;
        this.#choose(tabs, 1 - at);
        tabs[1 - at].focus();
      });
    }
    byId("ranking-scopes").addEventListener("change", (event) => {
      this.#scope = event.target.value;
      this.#read();
    });
  }

  #choose(tabs, at) {
    for (const [one, tab] of tabs.entries()) {
      tab.setAttribute("aria-selected", String(one === at));
      tab.tabIndex = one === at ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = one !== at;
    }
    clearInterval(this.#timer);
    if (at === 0) {
      // A list that was hidden has no place of its own any more.
      this.#page.comments.toNewest();
      return;
    }
    this.#read();
    this.#timer = setInterval(() => document.hidden || this.#read(), FRESH_MS);
  }

  async #read() {
    const asked = ++this.#asked;
    const path = `/rooms/${encodeURIComponent(this.#page.shell.room)}/ranking?scope=${this.#scope}&limit=${LIMIT}`;
    try {
      const answer = await this.#page.api.get(path);
      if (asked === this.#asked) this.#show(answer);
    } catch (error) {
      if (asked === this.#asked) this.#words(error.message);
    }
  }

  #words(text) {
    byId("ranking-list").replaceChildren();
    byId("ranking-empty").textContent = text;
    byId("ranking-empty").hidden = text === "";
  }

  #show({ entries = [], me }) {
    this.#words(entries.length ? "" : "Nobody has sent a gift yet. Be the first!");
    // One's own place, where it is below those that are shown.
    const below = me && !entries.some(({ user }) => user.id === me.user.id) ? [me] : [];
    byId("ranking-list").replaceChildren(...[...entries, ...below].map((entry) => this.#line(entry)));
  }

  #line({ place, user, value = 0 }) {
    return element(
      "li", { class: user.id === this.#page.state.me.id ? "own" : "" },
      element("span", { class: "place", text: String(place) }),
      avatar(user),
      element("bdi", { class: "nick", text: shownName(user.nick, user.id, 30) }),
      element("b", { text: money(value), title: value.toLocaleString("en-US") }),
    );
  }
}
