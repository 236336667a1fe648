/** Notice and introduction: plain text, or JSON of texts and picture addresses. Whatever it is, it is shown, never run. */

import { element, webAddress } from "./dom.js";

const MOST_PICTURES = 6;

/** { text, images } of plain text, of {text, image | images: []}, or of a list of such parts and strings. */
export function parseNotice(source) {
  const raw = String(source ?? "").trim();
  const found = { text: "", images: [] };
  if (/^[[{]/.test(raw)) {
    try {
      collect(JSON.parse(raw), found, 0);
      found.images = found.images.map(webAddress).filter(Boolean).slice(0, MOST_PICTURES);
      if (found.text || found.images.length) return found;
    } catch {
      // A text that only begins like JSON.
    }
  }
  return { text: raw, images: [] };
}

function collect(part, found, depth) {
  if (depth > 3) return;
  if (typeof part === "string") {
    if (webAddress(part) && /\.(png|jpe?g|gif|webp|avif|svg)(\?|$)/i.test(part)) found.images.push(part);
    else found.text += (found.text ? "\n" : "") + part;
  } else if (Array.isArray(part)) {
    for (const one of part) collect(one, found, depth + 1);
  } else if (part && typeof part === "object") {
    if (typeof part.text === "string") found.text += (found.text ? "\n" : "") + part.text;
    for (const key of ["image", "images", "url"]) {
      for (const one of [part[key] ?? []].flat()) if (typeof one === "string") found.images.push(one);
    }
  }
}

/** Fills the box; an empty notice hides it. The answer is the first line, for where there is room for one only. */
export function showNotice(box, source) {
  const { text, images } = parseNotice(source);
  const nodes = [];
  if (text) nodes.push(element("p", { class: "prose", dir: "auto", text }));
  if (images.length) {
    const strip = element("div", { class: "pictures" });
    for (const address of images) {
      const image = element("img", { src: address, alt: "", loading: "lazy", referrerpolicy: "no-referrer" });
      image.addEventListener("error", () => image.remove());
      strip.append(image);
    }
    nodes.push(strip);
  }
  box.querySelector("[data-body]").replaceChildren(...nodes);
  box.hidden = nodes.length === 0;
  return text.split("\n")[0] || (images.length ? "Pictures" : "");
}
