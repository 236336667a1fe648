/** Short words in a corner: a new level, somebody who is live. One at a time, the others wait; they go by themselves, and are read out. */

import { byId, element, icon } from "./dom.js";

const STAY_MS = 9_000;
/** Where others wait. */
const SHORT_MS = 3_500;
const MOST_WAITING = 5;

const waiting = [];
let shown = null;

/** `link`: { href, text } below the words. Texts only; whatever they hold is shown as it is. */
export function toast({ title, text = "", link, sign = "star" }) {
  waiting.push({ title, text, link, sign });
  // The oldest is the least news.
  if (waiting.length > MOST_WAITING) waiting.shift();
  if (shown === null) next();
  else hurry(shown);
}

function next() {
  const words = waiting.shift();
  shown = words ? show(words) : null;
}

function show({ title, text, link, sign }) {
  const close = element("button", { class: "tool", type: "button", "aria-label": "Close this message" }, icon("close"));
  const words = element("div", { class: "words" }, element("b", { dir: "auto", text: title }));
  if (text) words.append(element("p", { dir: "auto", text }));
  if (link) words.append(element("a", { class: "link", href: link.href, text: link.text }));
  const now = { node: element("div", { class: "toast" }, icon(sign), words, close), since: Date.now(), timer: 0 };
  close.addEventListener("click", () => leave(now));
  byId("toasts").append(now.node);
  hurry(now);
  return now;
}

/** Sets the time at which it goes: soon, where others wait. */
function hurry(now) {
  clearTimeout(now.timer);
  const stays = (waiting.length > 0 ? SHORT_MS : STAY_MS) - (Date.now() - now.since);
  now.timer = setTimeout(() => over(now), Math.max(0, stays));
}

/** Who reads it, or is about to follow its link, is given the time. */
function over(now) {
  if (now.node.matches(":hover, :focus-within")) now.timer = setTimeout(() => over(now), 2_000);
  else leave(now);
}

function leave(now) {
  clearTimeout(now.timer);
  now.node.remove();
  if (shown === now) next();
}
