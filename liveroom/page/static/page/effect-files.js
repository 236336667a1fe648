/**
 * Files of effects from an address: http or https only, bounded in bytes, time and content. What is not as it should be throws,
 * and its gift is a banner alone.
 *
 * A Lottie file may name pictures and fonts elsewhere: those would see who watches, and are left out; scripts in it are never
 * run (the player is the build without them).
 */

const MOST_BYTES = 2 * 1024 * 1024;
const MOST_LAYERS = 400;
const LOAD_MS = 8_000;
const KEPT = 6;

const LONGEST_MS = 12_000;

/**
 * Whether the file at that address can be played at all. SVGA cannot: its players read the files with code that they make
 * while they run, which the page's policy forbids.
 */
export function canPlay(address) {
  return new URL(address, "http://x").pathname.toLowerCase().endsWith(".json");
}

/** The bytes behind an address, or an error: not reached, refused, more than `most`. */
export async function loadBounded(address, { most = MOST_BYTES, fetch = globalThis.fetch } = {}) {
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), LOAD_MS);
  try {
    const answer = await fetch(address, { signal: stop.signal, credentials: "omit", referrerPolicy: "no-referrer" });
    if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
    return await gathered(answer.body, most);
  } finally {
    clearTimeout(late);
    stop.abort();
  }
}

async function gathered(body, most) {
  const [reader, parts] = [body.getReader(), []];
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.byteLength;
    if (size > most) {
      reader.cancel().catch(() => {});
      throw new Error(`more than ${most} bytes`);
    }
    parts.push(part.value);
  }
  return new Blob(parts);
}

/** The animation of a Lottie file without what it would load from elsewhere; throws where it is none. */
export function checkedLottie(file) {
  const numbers = ["w", "h", "fr", "ip", "op"].map((name) => file?.[name]);
  const [width, height, rate, begin, end] = numbers;
  const fits = numbers.every(Number.isFinite) && width > 0 && height > 0 && rate > 0 && rate <= 240 && end > begin;
  if (!fits || !Array.isArray(file.layers)) throw new Error("this is no Lottie animation");
  const assets = (Array.isArray(file.assets) ? file.assets : []).map((asset) => {
    const held = typeof asset?.p !== "string" || /^data:image\/(png|jpeg|webp|gif);/i.test(asset.p);
    return held ? asset : { ...asset, p: "", u: "", e: 1 };
  });
  const layers = file.layers.length + assets.reduce((sum, asset) => sum + (asset?.layers?.length ?? 0), 0);
  if (layers > MOST_LAYERS) throw new Error(`${layers} layers`);
  const fonts = file.fonts?.list ? { list: file.fonts.list.map((font) => ({ ...font, origin: 0, fPath: "" })) } : undefined;
  return { animation: { ...file, assets, fonts }, ms: Math.min(LONGEST_MS, ((end - begin) / rate) * 1_000) };
}

/** What was loaded last stays: a gift is seldom sent once. */
export class EffectFiles {
  #kept = new Map();
  #load;

  constructor({ load = loadBounded } = {}) {
    this.#load = load;
  }

  /** { animation, ms }; rejects where it cannot be played. */
  get(address) {
    if (!canPlay(address)) return Promise.reject(new Error("it is no Lottie file"));
    const kept = this.#kept.get(address) ?? this.#fetched(address);
    this.#kept.delete(address);
    this.#kept.set(address, kept);
    // A file that did not come may come next time.
    kept.catch(() => this.#kept.delete(address));
    while (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value);
    return kept;
  }

  async #fetched(address) {
    const blob = await this.#load(address);
    return checkedLottie(JSON.parse(await blob.text()));
  }
}
