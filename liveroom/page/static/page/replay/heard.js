/** What a recording's event becomes on the page: as live where it is the same, a line of the house where there is nothing to take part in. */

import { shownName } from "../dom.js";

const STATUS = { live: "The stream began.", paused: "The picture was lost.", ended: "The stream ended." };
const AS_LIVE = new Set(["comment", "gift", "pin", "notice"]);
const MOST_NAMED = 5;

/** A line for what can no longer be taken part in; an empty string for nothing. */
export function lineOf({ type, status, poll, draw }) {
  if (type === "status") return STATUS[status] ?? "";
  if (type === "poll" && poll?.status === "open") return `A poll: ${poll.question}`;
  if (type === "poll" && poll) {
    const answers = (poll.answers ?? []).map(({ text, votes = 0 }) => `${text} ${poll.ballots ? Math.round((votes / poll.ballots) * 100) : 0} %`);
    return `${poll.question}: ${answers.join(", ")}`;
  }
  if (type === "draw_open" && draw) return `A draw: say ${draw.keyword} to win ${draw.prize}.`;
  if (type === "draw_result" && draw) {
    if (!draw.winners?.length) return `Nobody won ${draw.prize}.`;
    const names = draw.winners.slice(0, MOST_NAMED).map(({ id, nick }) => shownName(nick, id, 24));
    const more = (draw.won ?? names.length) - names.length;
    return `${draw.prize} went to ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}.`;
  }
  return "";
}

/** `hear(event)`: what the page does with a live one. */
export function hearAgain(event, { hear, comments }) {
  if (AS_LIVE.has(event.type)) {
    hear(event);
    return;
  }
  const line = lineOf(event);
  if (line) comments.tell(line.slice(0, 300));
}
