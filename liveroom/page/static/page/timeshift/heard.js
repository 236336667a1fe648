/**
 * What the room hears, told when the picture of that moment is there. Comments, gifts, likes and arrivals are held; everything else
 * (the stream's status, bans, words of the house) is never.
 *
 * What came while the page was open is kept here; what was before is asked of the server, in windows (`../replay/track.js`). All
 * times are the server's clock, in ms.
 */

import { Track } from "../replay/track.js";

const MOST = 3_000;
const LINES = 200;
export const HELD = new Set(["comment", "gift", "likes", "join"]);
const LISTED = new Set(["comment", "gift"]);

const timeOf = ({ at_ms: at, t }) => at ?? t ?? 0;

export class Heard {
  #ask;
  #track = null;
  #kept = [];
  #history = [];
  #since = Infinity;
  #told = Infinity;
  #place = 0;
  #turn = 0;

  /** `ask({ from, to, before })` answers a window of what the room heard. */
  constructor({ ask }) {
    this.#ask = ask;
  }

  /** From now on everything is kept; `history`: the last lines before. */
  begin(now, history = []) {
    this.#history = history.filter(({ type = "comment" }) => LISTED.has(type));
    this.#kept = [];
    this.#since = now;
    this.#told = Infinity;
    this.#turn += 1;
    this.#newTrack();
  }

  keep(event) {
    this.#kept.push(event);
    if (this.#kept.length <= MOST) return;
    // The oldest half goes; the server has it.
    this.#kept.splice(0, MOST / 2);
    this.#place = Math.max(0, this.#place - MOST / 2);
    this.#since = timeOf(this.#kept[0]);
    this.#newTrack();
  }

  #newTrack() {
    const since = this.#since;
    const ask = async ({ from, to, before }) => {
      const until = Math.min(to, since);
      if (until <= from && before === 0) return { events: [], earlier: [], standing: [], to_ms: to };
      const answer = await this.#ask({ from: Math.min(from, since), to: Math.max(until, Math.min(from, since)), before });
      return { ...answer, to_ms: answer.to_ms >= until ? to : answer.to_ms };
    };
    this.#track = new Track({ ask, windowMs: 15_000 });
  }

  /** The lines of the list as they are at this moment. */
  get lines() {
    return [...this.#history, ...this.#kept.filter(({ type }) => LISTED.has(type))].slice(-LINES);
  }

  /** On from that moment: answers the lines up to it, or null where another seek came meanwhile. What the server refuses is not there. */
  async seek(ms) {
    const turn = ++this.#turn;
    this.#told = Infinity;
    const then = await this.#track.seek(Math.round(ms)).catch(() => null);
    if (turn !== this.#turn) return null;
    this.#told = ms;
    this.#place = this.#kept.findIndex((event) => timeOf(event) > ms);
    if (this.#place < 0) this.#place = this.#kept.length;
    const found = new Map();
    for (const line of [...this.#history, ...(then?.lines ?? []), ...this.#kept.slice(0, this.#place)]) {
      if (LISTED.has(line.type ?? "comment") && timeOf(line) <= ms) found.set(line.seq ?? found.size, line);
    }
    return [...found.values()].sort((one, other) => timeOf(one) - timeOf(other)).slice(-LINES);
  }

  /** Everything that is due up to that moment and was not told. */
  advance(ms) {
    if (ms <= this.#told || this.#told === Infinity) return [];
    const due = [];
    if (this.#told < this.#since) {
      for (const event of this.#track.advance(Math.min(ms, this.#since))) {
        if (HELD.has(event.type) && event.at_ms < this.#since) due.push(event);
      }
      // What has not arrived yet is waited for: nothing later is told before it.
      if (this.#track.toldMs < Math.min(ms, this.#since)) {
        this.#told = Math.max(this.#told, this.#track.toldMs);
        return due;
      }
    }
    while (this.#place < this.#kept.length && timeOf(this.#kept[this.#place]) <= ms) {
      due.push(this.#kept[this.#place]);
      this.#place += 1;
    }
    this.#told = ms;
    return due;
  }

  /** Live again: nothing is held back. */
  rest() {
    this.#turn += 1;
    this.#told = Infinity;
  }
}
