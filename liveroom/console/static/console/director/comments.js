/** What the room says, live; a click shows one comment on the picture. Texts are strangers': never markup. */

import { element, shownName } from "../../page/dom.js";

const MOST = 80;
const MOST_CHARACTERS = 280;
const ASK_MS = 2_500;

export class Comments {
  #list;
  #empty;
  #room;
  #onPick;
  #seen = new Map();
  #shown = "";
  #timer = 0;

  /** `room`: { id, sdkappid, usersig }; `onPick({ seq, nick, text })`. */
  constructor({ list, empty, room, onPick }) {
    [this.#list, this.#empty, this.#room, this.#onPick] = [list, empty, room, onPick];
  }

  /** The last ones, then by server-sent events; who may not hear those asks again and again. */
  async listen() {
    await this.#ask();
    const query = new URLSearchParams({ sdkappid: this.#room.sdkappid });
    if (this.#room.usersig) query.set("usersig", this.#room.usersig);
    const source = new EventSource(`/api/v1/rooms/${encodeURIComponent(this.#room.id)}/events?${query}`);
    source.addEventListener("comment", ({ data }) => this.#add([JSON.parse(data)]));
    source.addEventListener("recall", ({ data }) => this.#remove(JSON.parse(data).seq));
    source.addEventListener("reset", () => this.#ask());
    source.addEventListener("open", () => {
      clearInterval(this.#timer);
      this.#timer = 0;
    });
    source.addEventListener("error", () => {
      if (!this.#timer) this.#timer = setInterval(() => !document.hidden && this.#ask(), ASK_MS);
    });
  }

  async #ask() {
    try {
      const address = `/api/v1/rooms/${encodeURIComponent(this.#room.id)}/messages?sdkappid=${this.#room.sdkappid}`;
      const answer = await fetch(address, { cache: "no-store" });
      if (!answer.ok) return;
      this.#add((await answer.json()).messages.filter(({ type }) => type === "comment"));
    } catch {
      // The next time will tell.
    }
  }

  #add(events) {
    for (const event of events) {
      if (event.seq === undefined || this.#seen.has(event.seq) || !event.text) continue;
      const row = this.#row(event);
      this.#seen.set(event.seq, row);
      this.#list.prepend(row);
    }
    while (this.#list.childElementCount > MOST) this.#remove(Number(this.#list.lastElementChild.dataset.seq));
    this.#empty.hidden = this.#list.childElementCount > 0;
  }

  #row({ seq, text, from }) {
    const nick = shownName(from?.nick, from?.id ?? "");
    const said = [...String(text)].slice(0, MOST_CHARACTERS).join("");
    const button = element(
      "button", { class: "dk-comment", type: "button", "aria-pressed": "false", title: "Show it on the picture" },
      element("strong", { text: nick }), element("span", { text: said }),
    );
    const isShown = () => button.getAttribute("aria-pressed") === "true";
    button.addEventListener("click", () => this.#onPick(isShown() ? null : { seq, nick, text: said }));
    const row = element("li", {}, button);
    row.dataset.seq = seq;
    this.#mark(row);
    return row;
  }

  #remove(seq) {
    this.#seen.get(seq)?.remove();
    this.#seen.delete(seq);
  }

  #mark(row) {
    const button = row.firstElementChild;
    const [nick, text] = [...button.children].map((node) => node.textContent);
    button.setAttribute("aria-pressed", String(this.#shown !== "" && this.#shown === `${nick}\n${text}`));
  }

  /** The comment that the programme shows, as its overlay has it; null: none. */
  mark(overlay) {
    this.#shown = overlay ? `${shownName(overlay.detail)}\n${overlay.text}` : "";
    for (const row of this.#list.children) this.#mark(row);
  }
}
