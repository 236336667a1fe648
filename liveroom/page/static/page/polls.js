/** Polls: the question, the vote, bars that move while others vote, the result. A part of the page. */

import { announce, clockText, element, icon, instant, shownName } from "./dom.js";
import { addCard, removeCard } from "./event-cards.js";

const MOST_CARDS = 3;
const RESULT_MS = 30_000;
const MOST_ANSWERS = 6;

/** Whole percents of the ballots; with several choices their sum may be above 100. */
export function shares({ answers = [], ballots = 0 }) {
  return answers.map(({ votes = 0 }) => (ballots > 0 ? Math.round((votes / ballots) * 100) : 0));
}

export class Polls {
  #page;
  #cards = new Map();

  events = { poll: ({ poll }) => this.#take(poll) };

  constructor(page) {
    this.#page = page;
  }

  enter({ polls = [] }) {
    const open = new Set(polls.map(({ id }) => id));
    for (const id of this.#cards.keys()) if (!open.has(id)) this.#remove(id);
    for (const poll of polls) {
      this.#take(poll);
      if (!this.#page.guest) this.#recall(poll.id);
    }
  }

  /** Whether one has voted already, before this page was loaded. */
  async #recall(id) {
    const seen = await this.#page.api.get(`/polls/${encodeURIComponent(id)}`).catch(() => null);
    const card = this.#cards.get(id);
    if (!card || card.voted || !seen?.choices?.length) return;
    this.#voted(card, seen.choices);
    this.#draw(card);
  }

  render(now) {
    for (const card of this.#cards.values()) {
      const end = instant(card.poll.closes_at);
      const open = card.poll.status === "open";
      card.clock.textContent = !open ? "over" : end === null ? "" : end > now ? clockText(end - now) : "closing…";
    }
  }

  #take(poll) {
    if (!poll?.id || !Array.isArray(poll.answers)) return;
    let card = this.#cards.get(poll.id);
    if (!card) {
      if (this.#cards.size >= MOST_CARDS || poll.status === "closed") return;
      card = this.#card(poll);
      this.#cards.set(poll.id, card);
      announce(`A poll: ${poll.question}`);
    }
    const closed = card.poll.status === "open" && poll.status === "closed";
    card.poll = poll;
    this.#draw(card);
    if (!closed) return;
    announce(`The poll is over: ${this.#leader(poll)}`);
    card.timer = setTimeout(() => this.#remove(poll.id), RESULT_MS);
  }

  #leader({ answers }) {
    const most = Math.max(...answers.map(({ votes = 0 }) => votes));
    if (most <= 0) return "nobody voted.";
    return `${answers.filter(({ votes }) => votes === most).map(({ text }) => text).join(" and ")}.`;
  }

  #remove(id) {
    clearTimeout(this.#cards.get(id)?.timer);
    const card = this.#cards.get(id);
    if (card) removeCard(card.node);
    this.#cards.delete(id);
  }

  #card(poll) {
    const clock = element("span", { class: "clock", role: "timer" });
    const list = element("div", { class: "answers", role: "group", "aria-label": "Answers" });
    const foot = element("p", { class: "poll-foot" });
    const close = element("button", { class: "tool", type: "button", "aria-label": "Hide this poll" }, icon("close"));
    const vote = element("button", { class: "primary", type: "button", text: "Vote", hidden: "" });
    const head = element("summary", {}, icon("poll"), element("span", { class: "unseen", text: "Poll: " }), element("b", { dir: "auto", text: shownName(poll.question, "A poll", 200) }), element("span", { class: "cue", text: "Vote" }), clock, close);
    const card = { poll, clock, list, foot, vote, own: new Set(), voted: false, busy: false, error: "", rows: [] };
    const many = poll.max_choices > 1;
    card.rows = poll.answers.slice(0, MOST_ANSWERS).map(({ text }, at) => {
      const bar = element("i", { class: "bar-fill" });
      const share = element("span", { class: "share" });
      const row = element("button", { class: "answer", type: "button", "aria-pressed": "false" }, bar, element("span", { class: "what", dir: "auto", text: shownName(text, `Answer ${at + 1}`, 100) }), share);
      row.addEventListener("click", () => this.#chosen(card, at + 1, many));
      return { row, bar, share };
    });
    list.append(...card.rows.map(({ row }) => row));
    vote.addEventListener("click", () => this.#vote(card));
    close.addEventListener("click", (event) => {
      event.preventDefault();
      removeCard(card.node, { keep: true });
    });
    const inside = element("div", { class: "inside" }, list, element("div", { class: "row" }, foot, vote));
    card.node = element("details", { class: "event-card poll" }, head, inside);
    addCard(card.node);
    return card;
  }

  #voted(card, choices) {
    card.own = new Set(choices);
    card.voted = choices.length > 0;
  }

  #draw(card) {
    const { poll } = card;
    const open = poll.status === "open";
    // Who has not voted yet should not be told what others chose.
    const shown = card.voted || !open;
    const percent = shares(poll);
    const most = Math.max(0, ...poll.answers.map(({ votes = 0 }) => votes));
    card.node.classList.toggle("shown", shown);
    card.node.classList.toggle("done", !open || card.voted);
    for (const [at, { row, bar, share }] of card.rows.entries()) {
      row.setAttribute("aria-pressed", String(card.own.has(at + 1)));
      row.disabled = !open || card.voted || card.busy;
      row.classList.toggle("first", !open && most > 0 && poll.answers[at].votes === most);
      bar.style.width = shown ? `${Math.min(100, percent[at])}%` : "0";
      share.textContent = shown ? `${percent[at]} %` : "";
    }
    card.vote.hidden = !open || card.voted || poll.max_choices <= 1;
    card.vote.disabled = card.busy || card.own.size === 0;
    const many = poll.ballots === 1 ? "1 vote" : `${(poll.ballots ?? 0).toLocaleString("en-US")} votes`;
    const hint = open && !card.voted && poll.max_choices > 1 ? ` · choose up to ${poll.max_choices}` : "";
    card.foot.textContent = card.error || `${many}${hint}`;
    card.foot.classList.toggle("wrong", card.error !== "");
    this.render(this.#page.socket.now());
  }

  #chosen(card, number, many) {
    if (this.#page.guest) {
      this.#page.askToSignIn("Sign in to vote.");
      return;
    }
    if (!many) {
      card.own = new Set([number]);
      this.#vote(card);
      return;
    }
    if (card.own.has(number)) card.own.delete(number);
    else if (card.own.size < card.poll.max_choices) card.own.add(number);
    this.#draw(card);
  }

  async #vote(card) {
    Object.assign(card, { busy: true, error: "" });
    this.#draw(card);
    try {
      const choices = [...card.own].sort((a, b) => a - b);
      const { poll } = await this.#page.socket.send("poll_vote", { room: this.#page.shell.room, poll: card.poll.id, choices });
      card.voted = true;
      if (poll && poll.ballots >= (card.poll.ballots ?? 0)) card.poll = { ...card.poll, ...poll };
    } catch (error) {
      card.own = new Set();
      if (error.kind === "already_voted") this.#recall(card.poll.id);
      else card.error = error.message;
    }
    card.busy = false;
    this.#draw(card);
  }
}
