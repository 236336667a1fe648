/** Which recordings and clips of the room there are, the link to this moment, and what the head says: when it was. */

import { announce, byId, element, icon, webAddress } from "../dom.js";
import { timeText } from "./bar.js";

/** `Saturday, 28 November 2026, 20:00` in the reader's words. */
export function whenText(ms, style = "long") {
  const styles = { long: { dateStyle: "full", timeStyle: "short" }, short: { dateStyle: "medium", timeStyle: "short" }, day: { dateStyle: "medium" } };
  return new Date(ms).toLocaleString(undefined, styles[style]);
}

/** Milliseconds of `?t=`: `90`, `1:30`, `1m30s`; 0 for anything else. */
export function momentOf(said) {
  const clock = /^(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2})$/.exec(said ?? "");
  const words = /^(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7})s?)?$/.exec(said ?? "");
  const [, h = 0, m = 0, s = 0] = clock ?? words ?? [];
  return (Number(h) * 3_600 + Number(m) * 60 + Number(s)) * 1_000;
}

const ENDINGS = { jsonl: "jsonl", ass: "ass", bilibili: "xml" };

function save(blob, name) {
  const href = URL.createObjectURL(blob);
  element("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

export class Shelf {
  #list = byId("replay-list");
  #link = byId("replay-link");
  #address;

  /** `choose(id)` another recording, `seek(ms)` in this one; `address()`: of this moment; `file(format)`: its comments, a blob. */
  constructor({ choose, seek, address, file }) {
    this.#address = address;
    this.#list.addEventListener("click", ({ target }) => {
      const { recording, at } = target.closest("button")?.dataset ?? {};
      if (recording) choose(recording);
      else if (at) seek(Number(at));
      if (recording || at) byId("replay-menu").open = false;
    });
    byId("replay-menu").addEventListener("toggle", () => (this.#link.value = this.#address()));
    byId("replay-copy").addEventListener("click", () => this.#copy());
    byId("replay-files").addEventListener("click", async ({ target }) => {
      const format = target.dataset.file;
      if (format) await file(format).then((blob) => save(blob, `comments.${ENDINGS[format]}`), (error) => announce(error.message));
    });
  }

  /** `recordings`: of the list; `now`: what is played, as of its playback. */
  show(recordings, now) {
    byId("replay-when").textContent = whenText(now.started_at);
    byId("replay-note-when").textContent = whenText(now.started_at, "day");
    const several = recordings.length > 1;
    const items = recordings.map(({ id, started_at: at, duration_ms: ms, published }) => {
      const words = [whenText(at, "short"), timeText(ms), published ? "" : "not published"].filter(Boolean).join(" · ");
      return element("li", {}, element("button", { class: "choice", type: "button", "data-recording": id, "aria-current": id === now.id ? "true" : null, text: words }));
    });
    const clips = now.clips.map((clip) => this.#clip(clip));
    this.#list.replaceChildren(
      ...(several ? [element("h3", { text: "Recordings" }), element("ul", {}, ...items)] : []),
      ...(clips.length ? [element("h3", { text: "Clips" }), element("ul", {}, ...clips)] : []),
    );
  }

  #clip({ title, at_ms: at, duration_ms: ms, url, cover }) {
    const words = element("span", {}, element("b", { dir: "auto", text: title || "Clip" }), ` ${timeText(ms)}`);
    const picture = webAddress(cover) ? element("img", { src: cover, alt: "", loading: "lazy" }) : icon("play");
    const there = element("button", { class: "choice", type: "button", "data-at": at, title: `Go to ${timeText(at)}` }, picture, words);
    const film = element("a", { class: "link", href: url, target: "_blank", rel: "noopener", text: "Film" });
    return element("li", { class: "row" }, there, film);
  }

  async #copy() {
    this.#link.value = this.#address();
    this.#link.select();
    try {
      await navigator.clipboard.writeText(this.#link.value);
    } catch {
      // Pages without TLS have no clipboard of their own; what is selected can be copied by the old way, or by hand.
      if (!document.execCommand?.("copy")) return;
    }
    byId("replay-copy").textContent = "Copied";
    announce("The link is copied.");
    setTimeout(() => (byId("replay-copy").textContent = "Copy"), 2_000);
  }
}
