/** The page of one draw: who won, and the same computed anew in this browser, in words that say what was checked. */

import { Api } from "./api.js";
import { announce, avatar, byId, clockText, element, instant, shownName } from "./dom.js";
import { canCheck, check, commitmentOf, entrantsHash } from "./draw-check.js";
import { seenCommitment } from "./draw-memory.js";
import { conditionWords } from "./draw-words.js";
import { Session } from "./session.js";

const AGAIN_MS = 3_000;
const MOST_NAMED = 1_000;

const shell = JSON.parse(byId("shell").textContent);
const api = new Api({ ...shell, session: new Session(shell) });
const path = `/draws/${encodeURIComponent(shell.draw)}`;

function verdict(words, kind = "wait") {
  byId("verdict").textContent = words;
  byId("verdict").className = `verdict ${kind}`;
}

const moment = (at) => new Date(instant(at)).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });

function describe(draw) {
  byId("prize").textContent = shownName(draw.prize, "A draw", 200);
  document.title = byId("prize").textContent;
  const over = draw.status === "drawn" || draw.status === "cancelled";
  const conditions = conditionWords(draw.conditions).map(({ text }) => text).join(", ");
  const rows = [
    ["Keyword", shownName(draw.keyword, "", 60)],
    ["Winners", over ? (draw.won ?? draw.winners.length) : draw.winners],
    ["For", conditions || "everybody in the room"],
    ["From", moment(draw.opens_at)],
    ["To", moment(draw.closes_at)],
    ...(draw.status === "drawn" ? [["Took part", draw.entrants]] : []),
    ["Promised", element("code", { text: draw.commitment })],
    ...(draw.seed ? [["Seed", element("code", { text: draw.seed })]] : []),
  ];
  byId("facts").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", { text: name }), element("dd", { dir: "auto" }, value instanceof Node ? value : String(value))]));
  byId("about-draw").hidden = false;
}

function showWinners(winners) {
  byId("won").hidden = winners.length === 0;
  byId("won-title").textContent = winners.length === 1 ? "The winner" : `The ${winners.length} winners`;
  byId("won-list").replaceChildren(...winners.slice(0, MOST_NAMED).map((user) => element("li", {}, avatar(user), element("bdi", { text: shownName(user.nick, user.id, 30) }))));
}

/** One line of what was checked: the words, and the numbers for who wants to compute it elsewhere. */
function line(holds, words, detail) {
  const mark = element("span", { class: "mark", "aria-hidden": "true", text: holds ? "✓" : "✗" });
  return element("li", { class: holds ? "" : "no" }, mark, element("span", {}, element("span", { class: "unseen", text: holds ? "Holds: " : "Does not hold: " }), words), element("small", {}, detail));
}

async function verify(draw) {
  const told = await api.get(`${path}/verify`);
  byId("who").hidden = told.entrants.length === 0;
  byId("entrants").textContent = told.entrants.join(", ");
  if (!canCheck()) {
    verdict("Your browser computes nothing on pages without https. The numbers below are all that is needed to compute it elsewhere.");
    return;
  }
  const winners = draw.winners.map(({ id }) => id);
  const said = { seed: draw.seed, commitment: draw.commitment, draw: draw.id, entrants: told.entrants, entrantsSha256: draw.entrants_sha256, winners, count: told.count };
  const holds = await check(said);
  const [promise, hash] = [await commitmentOf(draw.seed), await entrantsHash(told.entrants)];
  const seen = seenCommitment(draw.id);
  const many = told.entrants.length === 1 ? "the one entrant" : `all ${told.entrants.length} entrants`;
  byId("checks").replaceChildren(
    line(holds.commitment, "The seed is the one that was promised before anybody entered: its SHA-256 is the promise.", element("code", { text: promise })),
    ...(seen ? [line(seen === draw.commitment, "The promise is the one that this browser was shown when the draw was open.", element("code", { text: seen }))] : []),
    line(holds.entrants, `The list of ${many} is the one that the room was told of: its SHA-256 is the same.`, element("code", { text: hash })),
    line(holds.winners, `Seed and entrants make these winners: a lot was computed for ${many}, and the lowest ${told.count === 1 ? "one wins" : `${told.count} win`}.`, "A lot is HMAC-SHA256 of the draw’s id and the entrant’s, with the seed as the key."),
  );
  byId("check").hidden = false;
  const good = Object.values(holds).every(Boolean) && (!seen || seen === draw.commitment);
  if (told.entrants.length === 0) verdict("Nobody took part, so nobody has won. The promise was kept.", good ? "" : "no");
  else verdict(good ? "This draw is right: your browser came to the same winners." : "Something here does not fit. See below what.", good ? "" : "no");
  announce(byId("verdict").textContent);
}

async function look() {
  let draw;
  try {
    draw = await api.get(path);
    describe(draw);
    if (draw.status === "drawn") {
      showWinners(draw.winners);
      verdict("Computing…");
      await verify(draw);
      return;
    }
  } catch (error) {
    verdict(error.message, error.passes ? "wait" : "no");
    if (error.passes) setTimeout(look, AGAIN_MS);
    return;
  }
  if (draw.status === "cancelled") {
    verdict("This draw was cancelled; nobody has won.");
    return;
  }
  const left = instant(draw.closes_at) - Date.now();
  verdict(left > 0 ? `The draw is open for ${clockText(left)} more. The result comes by itself.` : "The lot is falling…");
  setTimeout(look, Math.min(Math.max(left, 0), 10_000) + 1_000);
}

look();
