/** Small builders. Text from others goes into a page by `textContent` only; there is no way here to put in markup. */

export const byId = (id) => document.getElementById(id);

/** An element with classes, text and children; attributes by name. */
export function element(tag, { class: classes = "", text, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  if (classes) node.className = classes;
  if (text !== undefined) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** One of the symbols that the page's shell carries. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A name as it may be shown: no controls, no direction overrides, nothing invisible that imitates another name. */
export function shownName(name, fallback = "", most = 40) {
  const shown = String(name ?? "").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, "").replace(/\s+/gu, " ").trim();
  return [...(shown || fallback)].slice(0, most).join("");
}

/** The address if it is http or https, else an empty string. */
export function webAddress(address) {
  try {
    const url = new URL(String(address));
    return /^https?:$/.test(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

/** A hue that stays with an id, so that a person is recognised in the list. */
export function hueOf(id) {
  let sum = 7;
  for (const char of String(id)) sum = (sum * 31 + char.codePointAt(0)) % 65_521;
  // Steps of the golden angle: neighbours in number are far apart in colour.
  return Math.round((sum * 137.508) % 360);
}

/** The round sign of a person: its first character. Pictures are shown from this site only: another would see who watches. */
export function avatar({ id, nick, avatar: address }) {
  const name = shownName(nick, id);
  const disc = element("span", { class: "avatar", "aria-hidden": "true", text: [...name][0]?.toUpperCase() ?? "?" });
  disc.style.setProperty("--hue", hueOf(id));
  const url = webAddress(address);
  if (url && new URL(url).origin === location.origin) {
    const image = element("img", { src: url, alt: "", loading: "lazy" });
    image.addEventListener("error", () => image.remove());
    disc.append(image);
  }
  return disc;
}

/** Read out by screen readers, shown to nobody. */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** Store that never throws: a private window or a frame on another site may forbid it. */
export function remember(store, key, value) {
  try {
    if (value === undefined) return globalThis[store].getItem(key);
    if (value === null) globalThis[store].removeItem(key);
    else globalThis[store].setItem(key, value);
  } catch {
    // Then it lives as long as the page.
  }
  return value ?? null;
}

/** Milliseconds since 1970 of what the server writes: a number of ms, or an ISO time. */
export function instant(value) {
  if (typeof value === "number") return value;
  const at = Date.parse(value ?? "");
  return Number.isNaN(at) ? null : at;
}

/** `1:02:03`, `2:03`, `0:09`. */
export function clockText(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
