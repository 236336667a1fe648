/**
 * Checking a draw anew, in the viewer's own browser: the same as interactions/draws/rules.py, with Web Crypto.
 *
 *   commitment = SHA-256(seed)    entrants' hash = SHA-256(each once, sorted by UTF-8 bytes, joined by line feeds)
 *   winners = the first ones by HMAC-SHA256(seed, "<draw>:<entrant>"), the lowest first, then by name
 */

const encoder = new TextEncoder();

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function unhex(text) {
  if (!/^([0-9a-f]{2})*$/i.test(text)) throw new Error("a seed is hexadecimal");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function byBytes(a, b) {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) if (a[at] !== b[at]) return a[at] - b[at];
  return a.length - b.length;
}

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** Whether this page may compute: browsers let only https pages and this very machine. */
export const canCheck = () => globalThis.crypto?.subtle !== undefined;

export async function commitmentOf(seed) {
  return hex(await sha256(unhex(seed)));
}

/** Each once, in the order of their UTF-8 bytes; JavaScript's own order is another one beyond the basic plane. */
export function canonical(entrants) {
  const names = [...new Set(entrants)].map((name) => ({ name, bytes: encoder.encode(name) }));
  return names.sort((a, b) => byBytes(a.bytes, b.bytes)).map(({ name }) => name);
}

export async function entrantsHash(entrants) {
  return hex(await sha256(encoder.encode(canonical(entrants).join("\n"))));
}

/** The first `count` entrants by their lots. */
export async function winnersOf({ seed, draw, entrants, count }) {
  const key = await crypto.subtle.importKey("raw", unhex(seed), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const lots = await Promise.all(
    [...new Set(entrants)].map(async (name) => ({
      name,
      bytes: encoder.encode(name),
      lot: new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(`${draw}:${name}`))),
    })),
  );
  lots.sort((a, b) => byBytes(a.lot, b.lot) || byBytes(a.bytes, b.bytes));
  return lots.slice(0, count).map(({ name }) => name);
}

/** { commitment, entrants, winners }: whether what was told is what it must be. */
export async function check({ seed, commitment, draw, entrants, entrantsSha256, winners, count }) {
  const computed = await winnersOf({ seed, draw, entrants, count });
  return {
    commitment: (await commitmentOf(seed)) === commitment,
    entrants: (await entrantsHash(entrants)) === entrantsSha256,
    winners: computed.length === winners.length && computed.every((name, at) => name === winners[at]),
  };
}
