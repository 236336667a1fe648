/** Draws: the card while one may enter, and who has won. A part of the page. */

import { announce, avatar, byId, clockText, element, icon, instant, shownName } from "./dom.js";
import { keepCommitment } from "./draw-memory.js";
import { conditionWords } from "./draw-words.js";
import { addCard, removeCard } from "./event-cards.js";
import { toast } from "./toasts.js";

const MOST_CARDS = 3;
const RESULT_MS = 30_000;
const MOST_NAMED = 30;
const CONFETTI = 36;

const address = (draw) => `/d/${encodeURIComponent(draw.id)}`;

export class Draws {
  #page;
  #open = new Map();
  #nodes = new Map();
  #said = new Set();
  #won = new Set();
  #result = null;
  #timer = 0;

  events = {
    draw_open: ({ draw }) => {
      this.#take(draw);
      announce(`A draw: say ${draw.keyword} to win ${draw.prize}.`);
    },
    draw_result: ({ draw }) => this.#over(draw),
  };

  you = { draw: (event) => this.#mine(event) };

  constructor(page) {
    this.#page = page;
    byId("result-close").addEventListener("click", () => this.#hide());
    byId("result").addEventListener("keydown", (event) => event.key === "Escape" && this.#hide());
  }

  enter({ draws = [] }) {
    this.#open.clear();
    for (const { node } of this.#nodes.values()) node.remove();
    this.#nodes.clear();
    for (const draw of draws) this.#take(draw);
  }

  render(now) {
    for (const [id, draw] of this.#open) {
      const card = this.#nodes.get(id);
      const [left, opens] = [instant(draw.closes_at) - now, instant(draw.opens_at) - now];
      const soon = opens > 0;
      card.clock.textContent = soon ? `opens in ${clockText(opens)}` : left > 0 ? clockText(left) : "drawing…";
      card.button.disabled = soon || left <= 0 || this.#said.has(id);
      card.node.classList.toggle("done", card.button.disabled);
      card.button.textContent = this.#said.has(id) ? "You said it" : "Send the keyword";
      this.#conditions(card, draw);
      // The result was missed, in a break of the line: nobody looks at an empty clock for ever.
      if (left < -120_000) this.#remove(id);
    }
  }

  #take(draw) {
    if (!draw?.id || !["planned", "open"].includes(draw.status ?? "open")) return;
    if (this.#open.size >= MOST_CARDS && !this.#open.has(draw.id)) return;
    this.#open.set(draw.id, draw);
    keepCommitment(draw.id, draw.commitment);
    this.#nodes.get(draw.id)?.node.remove();
    this.#nodes.set(draw.id, this.#card(draw));
    this.render(this.#page.socket.now());
  }

  #card(draw) {
    const clock = element("span", { class: "clock", role: "timer" });
    const button = element("button", { class: "primary", type: "button", text: "Send the keyword" });
    const conditions = element("p", { class: "conditions" });
    const winners = draw.winners === 1 ? "1 winner" : `${draw.winners} winners`;
    button.addEventListener("click", () => this.#enter(draw));
    const node = element(
      "details", { class: "event-card draw" },
      element("summary", {}, icon("trophy"), element("span", { class: "unseen", text: "Draw: " }), element("b", { dir: "auto", text: shownName(draw.prize, "A prize", 200) }), element("span", { class: "cue", text: "Enter" }), clock),
      element(
        "div", { class: "inside" },
        element("p", { class: "how" }, "Say ", element("mark", { dir: "auto", text: shownName(draw.keyword, "", 60) }), ` in the comments · ${winners}`),
        conditions,
        element("div", { class: "row" }, button, element("a", { class: "link", href: address(draw), target: "_blank", text: "How it is drawn" })),
      ),
    );
    addCard(node);
    return { node, clock, button, conditions, shown: "" };
  }

  #conditions(card, draw) {
    const words = conditionWords(draw.conditions, { me: this.#page.state.me, following: this.#page.state.room?.owner?.is_following });
    const shown = JSON.stringify(words);
    if (shown === card.shown) return;
    card.shown = shown;
    card.conditions.hidden = words.length === 0;
    card.conditions.replaceChildren("For: ", ...words.flatMap(({ text, missing }, at) => [
      at ? ", " : "",
      element("span", missing ? { class: "missing-one", text: `${text} (not you yet)` } : { text }),
    ]));
  }

  async #enter(draw) {
    if (this.#page.guest) {
      this.#page.askToSignIn("Sign in to take part in the draw.");
      return;
    }
    if (await this.#page.say(draw.keyword)) {
      this.#said.add(draw.id);
      this.render(this.#page.socket.now());
      announce("You said the keyword. Good luck!");
    }
  }

  #remove(id) {
    const card = this.#nodes.get(id);
    if (card) removeCard(card.node);
    this.#nodes.delete(id);
    this.#open.delete(id);
  }

  #over(draw) {
    this.#remove(draw.id);
    const prize = shownName(draw.prize, "the prize", 200);
    if (draw.status === "cancelled") {
      this.#page.comments.tell(`The draw for ${prize} was cancelled.`);
      return;
    }
    const winners = Array.isArray(draw.winners) ? draw.winners : [];
    const own = this.#won.has(draw.id) || winners.some(({ id }) => this.#isMe(id));
    const names = winners.slice(0, 3).map(({ id, nick }) => shownName(nick, id, 24));
    const won = draw.won ?? winners.length;
    const more = won > 3 ? ` and ${won - 3} more` : "";
    this.#page.comments.tell(winners.length ? `${prize} goes to ${names.join(", ")}${more}.` : `Nobody took part in the draw for ${prize}.`);
    this.#show({ draw, winners, prize, own });
  }

  #isMe(id) {
    return Boolean(id) && id === this.#page.state.me.id;
  }

  /** A word to the winner alone: also in another room, and where there are more winners than the room was told of. */
  #mine({ room, draw }) {
    if (!draw?.id) return;
    if (room !== this.#page.shell.room) {
      toast({ title: "You have won!", text: shownName(draw.prize, "", 200), link: { href: address(draw), text: "See the draw" }, sign: "trophy" });
      return;
    }
    this.#won.add(draw.id);
    if (this.#result?.draw.id === draw.id && !this.#result.own) this.#show({ ...this.#result, own: true });
  }

  #show({ draw, winners, prize, own }) {
    this.#result = { draw, winners, prize, own };
    const [box, won] = [byId("result"), draw.won ?? winners.length];
    box.classList.toggle("own", own);
    byId("result-title").textContent = own ? "You have won!" : winners.length ? "We have winners" : "Nobody took part";
    byId("result-prize").textContent = prize;
    byId("result-list").replaceChildren(
      ...winners.slice(0, MOST_NAMED).map((user) => {
        return element("li", { class: this.#isMe(user.id) ? "own" : "" }, avatar(user), element("bdi", { text: shownName(user.nick, user.id, 24) }));
      }),
      ...(won > MOST_NAMED ? [element("li", { text: `and ${won - MOST_NAMED} more` })] : []),
    );
    byId("result-link").href = address(draw);
    box.hidden = false;
    announce(own ? `You have won ${prize}!` : byId("result-title").textContent);
    clearTimeout(this.#timer);
    const leave = () => (box.matches(":hover, :focus-within") ? (this.#timer = setTimeout(leave, 5_000)) : this.#hide());
    this.#timer = setTimeout(leave, RESULT_MS);
    if (own) celebrate(byId("effects"));
  }

  #hide() {
    clearTimeout(this.#timer);
    byId("result").hidden = true;
  }
}

/** Paper rain over the picture, for who asked for nothing less. */
function celebrate(layer) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden) return;
  for (let one = 0; one < CONFETTI; one += 1) {
    const piece = element("i", { class: "confetti" });
    piece.style.left = `${Math.random() * 100}%`;
    piece.style.setProperty("--hue", Math.round(Math.random() * 360));
    layer.append(piece);
    const turn = 360 + Math.random() * 720;
    const path = [{ transform: "translateY(-30px)" }, { transform: `translate(${Math.random() * 80 - 40}px, ${layer.clientHeight + 40}px) rotate(${turn}deg)` }];
    piece.animate(path, { duration: 2_200 + Math.random() * 1_600, delay: Math.random() * 900, easing: "ease-in", fill: "backwards" }).onfinish = () => piece.remove();
  }
}
