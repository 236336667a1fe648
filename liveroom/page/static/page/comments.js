/**
 * The list of comments: at most 200 stay, it follows the newest unless the reader scrolled up, and it never jumps then.
 *
 * One's own comment is there at once, pending; its echo (same `cid`) makes it real, an error offers to send it again.
 */

import { avatar, element, icon, shownName } from "./dom.js";
import { giftOf, giftWords, times } from "./gift-look.js";

const MOST = 200;
const MOST_BADGES = 3;
const RUNS_ON_MS = 15_000;
const NEAR_PX = 48;
const SAMPLED = "The room is very busy; others may not have seen this.";
const ROLES = { owner: "Streamer", admin: "Moderator" };

export class CommentList {
  #list;
  #scroller;
  #pill;
  #pending = new Map();
  #fresh = [];
  #unread = 0;
  #follows = true;
  #top = 0;
  #me = "";
  #arrival = null;
  #runs = new Map();

  constructor({ list, scroller, pill }) {
    this.#list = list;
    this.#scroller = scroller;
    this.#pill = pill;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    pill.addEventListener("click", () => this.toNewest());
    new ResizeObserver(() => this.#follows && this.#toEnd()).observe(scroller);
  }

  /** Whose comments are marked as one's own. */
  set me(id) {
    this.#me = id;
  }

  /** The room's history after a join that was no resume: what is not in it any more goes, what is pending stays. */
  reset(comments) {
    const waiting = [...this.#pending.values()];
    this.#fresh = [];
    this.#list.replaceChildren();
    this.#pending.clear();
    this.#runs.clear();
    for (const comment of comments) this.#recall(comment);
    for (const entry of waiting) {
      if (comments.some((comment) => comment.cid === entry.cid && comment.from?.id === this.#me)) continue;
      this.#list.append(entry.node);
      this.#pending.set(entry.cid, entry);
    }
    this.toNewest();
  }

  /** A line of the history; what was told in parts is one number in the end. */
  #recall(event) {
    const gift = event.type === "gift" ? giftOf(event) : null;
    const run = gift && this.#runs.get(gift.key);
    if (run && gift.combo - gift.count === run.combo) {
      this.renumberGift(gift, gift.combo);
      return;
    }
    const node = this.#node(event);
    if (gift) this.#run(gift, node);
    this.#list.append(node);
  }

  /** A delivered comment: the `echo` of one that waits here, one's `own` from another window, or an `other`'s. */
  add(comment) {
    const own = comment.from?.id === this.#me && this.#me !== "";
    const entry = own && comment.cid ? this.#pending.get(comment.cid) : undefined;
    if (entry) {
      this.#pending.delete(comment.cid);
      this.#replace(entry.node, this.#node(comment));
      return "echo";
    }
    this.#later(this.#node(comment));
    return own ? "own" : "other";
  }

  /** One's own comment on its way. `again` sends it once more. */
  expect({ cid, text, color, from, again }) {
    const node = this.#node({ text, color, from, t: Date.now() });
    node.classList.add("pending");
    this.#pending.set(cid, { cid, node, again });
    this.#later(node);
    this.toNewest();
  }

  /** The server took it. A delivered one is replaced by its echo; a sampled one by the `event` that its sender alone gets. */
  settle(cid, result, event) {
    const entry = this.#pending.get(cid);
    if (!entry) return;
    entry.node.classList.remove("pending");
    if (result === "delivered") return;
    this.#pending.delete(cid);
    if (result === "sampled") {
      const node = event ? this.#node(event) : entry.node;
      node.classList.add("sampled");
      node.title = SAMPLED;
      node.querySelector("p").append(element("span", { class: "unseen", text: ` (${SAMPLED})` }));
      if (node !== entry.node) this.#replace(entry.node, node);
    } else {
      entry.node.append(element("small", { class: "remark", text: "Waiting for a moderator." }));
    }
  }

  fail(cid, { message, again }) {
    const entry = this.#pending.get(cid);
    if (!entry) return;
    entry.node.classList.remove("pending");
    entry.node.classList.add("failed");
    const remark = element("small", { class: "remark", role: "alert", text: `Not sent: ${message} ` });
    if (again) {
      const retry = element("button", { class: "link", type: "button", text: "Send again" });
      retry.addEventListener("click", () => {
        remark.remove();
        entry.node.classList.replace("failed", "pending");
        entry.again();
      });
      remark.append(retry);
    }
    entry.node.append(remark);
  }

  /** A gift (as of giftOf); a running number goes on in its line while that is near. */
  addGift(event, gift) {
    const run = this.#runs.get(gift.key);
    const near = run && Date.now() - run.at < RUNS_ON_MS && (run.node.isConnected || this.#fresh.includes(run.node));
    if (near && gift.combo > run.combo) {
      Object.assign(run, { combo: gift.combo, at: Date.now() });
      run.number.textContent = times(gift.combo);
      return;
    }
    const node = this.#node(event);
    this.#run(gift, node);
    this.#later(node);
  }

  #run({ key, combo }, node) {
    this.#runs.delete(key);
    this.#runs.set(key, { node, number: node.querySelector(".gift-times"), combo, at: Date.now() });
    if (this.#runs.size > MOST) this.#runs.delete(this.#runs.keys().next().value);
  }

  /** The number in a line that is there already: the room knows better than the receipt. */
  renumberGift({ key }, combo) {
    const run = this.#runs.get(key);
    if (!run || run.combo === combo) return;
    run.combo = combo;
    run.number.textContent = times(combo);
  }

  /** A line of the house: the stream began, a moderator was appointed. */
  tell(text) {
    this.#later(element("li", { class: "tip", text }));
  }

  /** Whether the line about arrivals is the last one, so that the next arrivals go into it. */
  get arrivalIsLast() {
    return this.#arrival !== null && (this.#fresh.at(-1) ?? this.#list.lastElementChild) === this.#arrival;
  }

  /** Who came in; `again` goes on with the line that is there. */
  arrive(text, { again }) {
    if (again) {
      this.#arrival.textContent = text;
      return;
    }
    this.#arrival = element("li", { class: "tip arrival", text });
    this.#later(this.#arrival);
  }

  toNewest() {
    this.#flush();
    this.#follows = true;
    this.#toEnd();
    this.#count(0);
  }

  #node(event) {
    const { text, from = {}, t, seq } = event;
    const own = from.id === this.#me && this.#me !== "";
    const name = shownName(from.nick, from.id || "someone");
    const role = ROLES[from.role];
    const head = element("span", { class: "who" }, element("bdi", { class: "nick", text: name }));
    if (role) head.append(element("span", { class: `role ${from.role}`, text: role }));
    if (from.level > 1) head.append(element("span", { class: "level", text: `Lv ${Number(from.level)}` }));
    for (const label of (Array.isArray(from.badges) ? from.badges : []).slice(0, MOST_BADGES)) {
      head.append(element("span", { class: "level badged", dir: "auto", text: shownName(label, "", 20) }));
    }
    const gift = event.type === "gift" ? giftOf(event) : null;
    const said = gift ? giftWords(gift).said : element("span", { class: "text", dir: "auto", text: String(text ?? "") });
    const body = element("p", {}, head, said);
    const disc = avatar({ id: from.id ?? "", nick: from.nick, avatar: from.avatar });
    const classes = ["comment", own ? "own" : "", gift ? "gift-line" : ""].filter(Boolean).join(" ");
    const node = element("li", { class: classes, "data-seq": seq }, disc, body);
    node.style.setProperty("--hue", disc.style.getPropertyValue("--hue"));
    if (t) node.title = new Date(t).toLocaleTimeString();
    return node;
  }

  /** Also where the old one waits for the next layout and stands nowhere yet. */
  #replace(old, node) {
    const at = this.#fresh.indexOf(old);
    if (at >= 0) this.#fresh[at] = node;
    else old.replaceWith(node);
  }

  /** Many come in one frame: the list is laid out once for all of them. */
  #later(node) {
    this.#fresh.push(node);
    if (this.#fresh.length > MOST) this.#fresh.shift();
    if (this.#fresh.length === 1) {
      // A hidden page draws no frames.
      if (document.hidden) setTimeout(() => this.#flush(), 250);
      else requestAnimationFrame(() => this.#flush());
    }
  }

  #flush() {
    const fresh = this.#fresh;
    if (!fresh.length) return;
    this.#fresh = [];
    this.#list.append(...fresh);
    const before = this.#list.offsetHeight;
    let over = this.#list.childElementCount - MOST;
    while (over-- > 0) this.#list.firstElementChild.remove();
    if (this.#follows) {
      this.#toEnd();
    } else {
      // What went above must not move what is being read.
      this.#scroller.scrollTop -= before - this.#list.offsetHeight;
      this.#count(this.#unread + fresh.length);
    }
  }

  #toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#top = this.#scroller.scrollTop;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    // A box above that has come meanwhile is no reader who scrolled up.
    if (scrollHeight - scrollTop - clientHeight < NEAR_PX) this.#follows = true;
    else if (scrollTop < this.#top) this.#follows = false;
    this.#top = scrollTop;
    if (this.#follows) this.#count(0);
  }

  #count(unread) {
    this.#unread = unread;
    this.#pill.hidden = unread === 0;
    const many = unread > 99 ? "99+" : unread;
    this.#pill.replaceChildren(icon("down"), `${many} new comment${unread === 1 ? "" : "s"}`);
  }
}
