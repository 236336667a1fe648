/** Short words in a corner: a new level, somebody who is live. At most three; they go by themselves, and are read out. */

import { byId, element, icon } from "./dom.js";

const MOST = 3;
const STAY_MS = 9_000;

/** `link`: { href, text } below the words. Texts only; whatever they hold is shown as it is. */
export function toast({ title, text = "", link, sign = "star" }) {
  const box = byId("toasts");
  const close = element("button", { class: "tool", type: "button", "aria-label": "Close this message" }, icon("close"));
  const words = element("div", { class: "words" }, element("b", { dir: "auto", text: title }));
  if (text) words.append(element("p", { dir: "auto", text }));
  if (link) words.append(element("a", { class: "link", href: link.href, text: link.text }));
  const node = element("div", { class: "toast" }, icon(sign), words, close);
  // Who reads it, or is about to follow its link, is given the time.
  const leave = () => (node.matches(":hover, :focus-within") ? setTimeout(leave, 2_000) : node.remove());
  setTimeout(leave, STAY_MS);
  close.addEventListener("click", () => node.remove());
  box.append(node);
  while (box.childElementCount > MOST) box.firstElementChild.remove();
}
