/** Looks of a mix (scene.py) as the desk changes them: every function gives a new list of places. Nothing here touches the page. */

export const WHOLE = { x: 0, y: 0, width: 100, height: 100 };
const HIGHEST = 99;

/** What a place is where it does not say so. */
export const USUAL = {
  z: 0, fit: "contain", radius_percent: 0, border_percent: 0, border_color: "#ffffff", plate: false,
  crop: { left: 0, top: 0, right: 0, bottom: 0 },
};

export function whole(place) {
  return { ...USUAL, ...place, crop: { ...USUAL.crop, ...place.crop } };
}

export function sameLook(one, other) {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}

/** One place with other values. */
export function changed(places, index, more) {
  return places.map((place, at) => (at === index ? { ...place, ...more } : place));
}

export function without(places, index) {
  return places.filter((_, at) => at !== index);
}

/** The input alone, over the whole picture; how it was drawn stays. */
export function alone(places, input) {
  const found = places.find((place) => place.input === input);
  return [{ fit: "contain", ...(found ? { fit: found.fit ?? "contain", crop: found.crop } : {}), ...WHOLE, input, z: 0 }];
}

/** An input in a place; who stood there takes the place that the input leaves, so that nobody is shown twice. */
export function seated(places, index, input) {
  const was = places[index].input;
  return places.map((place, at) => {
    if (at === index) return { ...place, input };
    return place.input === input ? { ...place, input: was } : place;
  });
}

/**
 * Boxes of a layout filled with inputs: those that are shown now first, in the order in which they lie, then the others. How an
 * input was fitted and cropped goes with it.
 */
export function laidOut(boxes, places, inputs) {
  const shown = [...new Set(places.map((place) => place.input))].filter((id) => inputs.includes(id));
  const order = [...shown, ...inputs.filter((id) => !shown.includes(id))];
  return boxes.slice(0, order.length).map((box, index) => {
    const input = order[index];
    const { fit, crop } = places.find((place) => place.input === input) ?? {};
    return { ...(fit ? { fit } : {}), ...(crop ? { crop } : {}), ...box, input };
  });
}

/** One more place, as a small picture on top. */
export function added(places, input) {
  const z = Math.min(HIGHEST, Math.max(-1, ...places.map((place) => place.z ?? 0)) + 1);
  const step = (places.length % 4) * 4;
  return [...places, { input, x: 66 - step, y: 64 - step, width: 30, height: 30, z, fit: "cover" }];
}

/** One step above (or below) its neighbours; layers are numbered anew from 0. */
export function layered(places, index, step) {
  const order = places.map((place, at) => ({ at, z: place.z ?? 0 })).sort((a, b) => a.z - b.z || a.at - b.at);
  const from = order.findIndex(({ at }) => at === index);
  const to = Math.min(order.length - 1, Math.max(0, from + step));
  order.splice(to, 0, ...order.splice(from, 1));
  const layers = new Map(order.map(({ at }, z) => [at, z]));
  return places.map((place, at) => ({ ...place, z: layers.get(at) }));
}

/** Places from the top layer down, with their numbers: what lies on top is met first. */
export function fromTheTop(places) {
  return places.map((place, index) => ({ place, index })).sort((a, b) => (b.place.z ?? 0) - (a.place.z ?? 0) || b.index - a.index);
}

/** The topmost place at a point, or -1. */
export function at(places, { x, y }) {
  const hit = ({ place }) => x >= place.x && x <= place.x + place.width && y >= place.y && y <= place.y + place.height;
  return fromTheTop(places).find(hit)?.index ?? -1;
}

/** What is said of an input's picture and sound, loudest trouble first: [{ word, kind }], kind "bad" or "warn". */
export function troubles(told, { sound = true } = {}) {
  if (!told) return [];
  const found = [];
  if (told.state === "lost") found.push({ word: "lost", kind: "bad" });
  if (told.state === "waiting") found.push({ word: "waiting", kind: "warn" });
  if (told.state === "up" && (told.black ?? 0) >= 2) found.push({ word: "black", kind: "bad" });
  if (told.state === "up" && sound && (told.silent ?? 0) >= 3) found.push({ word: "silent", kind: "warn" });
  return found;
}

/** dB as a share of a meter that begins at -60. */
export function share(db) {
  return Math.min(1, Math.max(0, ((db ?? -90) + 60) / 60));
}

/** A meter that falls slowly: what it showed, what comes, seconds between. */
export function falling(shown, now, seconds) {
  return Math.max(now, shown - seconds * 0.9);
}
