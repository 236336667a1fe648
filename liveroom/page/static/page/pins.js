/** The one message that the room keeps in sight, and the box for a question to the streamer. A part of the page. */

import { announce, byId, shownName } from "./dom.js";
import { toast } from "./toasts.js";

const MOST_CHARACTERS = 300;
const ANSWERS = { shown: "Your question is shown to the room.", answered: "Your question was answered." };
const KINDS = { question: "Question", comment: "Pinned", text: "Pinned" };

export class Pins {
  #page;

  events = { pin: ({ pinned }) => this.#show(pinned) };

  you = {
    question: ({ room, status }) => {
      if (room === this.#page.shell.room && ANSWERS[status]) toast({ title: ANSWERS[status], sign: "question" });
    },
  };

  constructor(page) {
    this.#page = page;
    const form = byId("ask");
    byId("ask-open").addEventListener("click", () => this.#open());
    byId("ask-close").addEventListener("click", () => this.#close());
    form.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
  }

  enter({ pinned = null }) {
    this.#show(pinned);
  }

  render() {
    const { state } = this.#page;
    byId("ask-open").hidden = state.room === null || state.socket.state === "refused";
  }

  #show(pinned) {
    const text = String(pinned?.text ?? "").slice(0, 500);
    byId("pinned").hidden = text === "";
    byId("pinned-kind").textContent = KINDS[pinned?.kind] ?? "Pinned";
    byId("pinned-text").textContent = text;
    byId("pinned-from").textContent = pinned?.from ? shownName(pinned.from.nick, pinned.from.id, 24) : "";
  }

  #open() {
    if (this.#page.guest) {
      this.#page.askToSignIn("Sign in to ask a question.");
      return;
    }
    const form = byId("ask");
    form.hidden = !form.hidden;
    byId("ask-open").setAttribute("aria-expanded", String(!form.hidden));
    if (!form.hidden) byId("ask-text").focus({ preventScroll: true });
  }

  #close() {
    byId("ask").hidden = true;
    byId("ask-open").setAttribute("aria-expanded", "false");
    byId("ask-open").focus({ preventScroll: true });
  }

  #remark(text, wrong = false) {
    byId("ask-remark").textContent = text;
    byId("ask-remark").hidden = text === "";
    byId("ask-remark").classList.toggle("wrong", wrong);
  }

  async #ask() {
    const text = byId("ask-text").value.replace(/\s+/gu, " ").trim();
    if (text === "" || [...text].length > MOST_CHARACTERS) {
      this.#remark(text === "" ? "Write your question first." : `At most ${MOST_CHARACTERS} characters, please.`, true);
      return;
    }
    byId("ask-send").disabled = true;
    try {
      await this.#page.api.post(`/rooms/${encodeURIComponent(this.#page.shell.room)}/questions`, { text });
      byId("ask-text").value = "";
      this.#remark("");
      this.#close();
      this.#page.comments.tell("Your question is in the queue of the moderators.");
      announce("Your question is in the queue of the moderators.");
    } catch (error) {
      this.#remark(error.message, true);
    }
    byId("ask-send").disabled = false;
  }
}
