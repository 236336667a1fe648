/** Lines of the house about people: who came in, who may not speak. Pure texts; many of a kind become one line. */

import { shownName } from "./dom.js";

const TOGETHER_MS = 12_000;

/** `mia came in`, `mia and zed came in`, `mia and 3 others came in`; an empty string where nobody is left to name. */
export function cameIn({ names, count }) {
  const all = Math.max(count, names.length);
  if (all === 0) return "";
  if (names.length === 0) return all === 1 ? "A guest came in" : `${all} guests came in`;
  if (all === 1) return `${names[0]} came in`;
  if (all === 2 && names.length === 2) return `${names[0]} and ${names[1]} came in`;
  return `${names[0]} and ${all - 1} other${all === 2 ? "" : "s"} came in`;
}

/** Joins the arrivals of a while into one line: the list replaces its text while nothing stands below it. */
export class Arrivals {
  #names = [];
  #count = 0;
  #at = -Infinity;

  /** The line's text, and whether it goes on with the one before. `me` is not news to oneself. */
  add({ users = [], count = users.length }, { me = "", now, goesOn }) {
    const others = users.filter((user) => user.id !== me || me === "");
    const news = Math.max(0, count - (users.length - others.length));
    const again = goesOn && now - this.#at < TOGETHER_MS;
    if (!again) [this.#names, this.#count] = [[], 0];
    this.#at = now;
    const names = others.map((user) => shownName(user.nick, user.id, 24)).filter((name) => !this.#names.includes(name));
    // Who left and came in again within the line is one and the same.
    this.#count += Math.max(0, news - (others.length - names.length));
    this.#names = [...this.#names, ...names].slice(0, 50);
    return { text: cameIn({ names: this.#names, count: this.#count }), again };
  }
}

/** What the room hears when a moderator acts. */
export function moderated({ type, user, on }) {
  if (type === "mute_all") return on ? "A moderator muted everyone." : "Everyone may comment again.";
  const name = shownName(user?.nick, user?.id ?? "Somebody");
  return { mute: `${name} was muted.`, unmute: `${name} may comment again.`, ban: `${name} was removed from the room.` }[type];
}
