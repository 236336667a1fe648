/** What this browser was promised when a draw was open, so that its page can compare: bounded, this machine only. */

import { remember } from "./dom.js";

const KEY = "liveroom:draws";
const MOST = 50;

function read() {
  try {
    const kept = JSON.parse(remember("localStorage", KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((pair) => Array.isArray(pair)) : [];
  } catch {
    return [];
  }
}

/** The first word counts: what is told later must not replace it. */
export function keepCommitment(draw, commitment) {
  const kept = read();
  if (!commitment || kept.some(([id]) => id === draw)) return;
  remember("localStorage", KEY, JSON.stringify([...kept, [draw, commitment]].slice(-MOST)));
}

export function seenCommitment(draw) {
  return read().find(([id]) => id === draw)?.[1] ?? "";
}
