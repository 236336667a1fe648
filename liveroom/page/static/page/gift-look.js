/** What a `gift` event says, made fit to be shown; and its line in the chat. Everything in it comes from outside. */

import { element, icon, shownName, webAddress } from "./dom.js";

export const LINE = 1;
export const BANNER = 2;
export const EFFECT = 3;
const MOST_SHOWN = 999_999;

const whole = (value, least, usual) => (Number.isSafeInteger(value) && value >= least ? value : usual);

/**
 * { code, kind, name, icon, effect, count, combo, value, user, nick, key } of an event, or null where it is none that can be
 * shown. `key` is the same for one user's gifts of one kind.
 */
export function giftOf(event) {
  const info = event?.data?.data?.cmdInfo;
  if (event?.type !== "gift" || typeof info !== "object" || info === null) return null;
  const user = String(event.from?.id ?? "");
  const code = String(event.gift ?? info.giftName ?? "");
  const count = whole(event.count ?? info.giftCount, 1, 1);
  return {
    code,
    kind: [LINE, BANNER, EFFECT].includes(info.type) ? info.type : LINE,
    name: shownName(info.giftName, code || "a gift", 60),
    icon: pictureOf(info.giftUrl),
    effect: webAddress(absolute(info.giftSEUrl)),
    count,
    combo: Math.max(count, whole(event.combo, 1, count)),
    value: whole(event.value, 0, 0),
    user,
    nick: shownName(event.from?.nick, user || "Somebody", 24),
    key: `${user}|${code}`,
  };
}

function absolute(address) {
  if (!address) return "";
  try {
    return new URL(String(address), location.href).href;
  } catch {
    return "";
  }
}

/** The address of a gift's picture, empty where it has none. */
export function pictureOf(address) {
  return webAddress(absolute(address));
}

/** `×12`, `×9,999`. */
export function times(number) {
  return `×${Math.min(number, MOST_SHOWN).toLocaleString("en-US")}`;
}

/** The gift's picture, or a wrapped box where there is none, or where it does not load. */
export function giftPicture({ icon: address }) {
  const frame = element("span", { class: "gift-picture", "aria-hidden": "true" }, icon("gift"));
  if (!address) return frame;
  const image = element("img", { src: address, alt: "", referrerpolicy: "no-referrer" });
  image.addEventListener("load", () => frame.replaceChildren(image), { once: true });
  return frame;
}

/** What stands after the nick in a line of the chat. `node` is its number, so that it can go on. */
export function giftWords(gift) {
  const number = element("b", { class: "gift-times", text: times(gift.combo) });
  const said = element("span", { class: "text gift-said" }, "sent ", element("bdi", { text: gift.name }), giftPicture(gift), number);
  return { said, number };
}
