/**
 * Draws and polls above the talk: one is open, the others are a line each, so that the talk keeps its place. On a phone and in a
 * low frame a new one comes as a line, too, with the word that says what can be done.
 */

import { byId } from "./dom.js";

// The two small layouts of page.css.
const small = matchMedia("(max-width: 899px), (max-height: 500px)");
const open = (card) => card.open && !card.hidden;

/** A card that is new: it comes on top. */
export function addCard(card) {
  card.addEventListener("toggle", () => open(card) && foldOthers(card));
  byId("event-cards").prepend(card);
  card.open = !small.matches;
  if (card.open) foldOthers(card);
}

/** A card that is over, or was hidden: where it stood open, the next one opens. */
export function removeCard(card, { keep = false } = {}) {
  const was = open(card);
  if (keep) card.hidden = true;
  else card.remove();
  const next = byId("event-cards").querySelector(".event-card:not([hidden])");
  if (was && next && !small.matches) next.open = true;
}

function foldOthers(card) {
  for (const other of byId("event-cards").children) if (other !== card) other.open = false;
}
