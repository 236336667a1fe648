/** The front page follows what is on air: the same page is asked for again, while somebody looks, and its list put in place. */

import { byId, instant } from "./dom.js";

const EVERY_MS = 15_000;

/** Times of a plan as the viewer's own clock has them. */
function ownTimes() {
  for (const time of document.querySelectorAll("#soon time")) {
    const at = new Date(instant(time.dateTime));
    const day = at.toDateString() === new Date().toDateString() ? "Today" : at.toLocaleDateString(undefined, { weekday: "short", month: "short", day: "numeric" });
    time.textContent = `${day}, ${at.toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" })}`;
  }
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const rooms = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("rooms");
    // Whoever walks through the list by keys keeps their place.
    const at = document.activeElement?.closest?.("#rooms a")?.getAttribute("href");
    if (!rooms || rooms.innerHTML === shown) return;
    shown = rooms.innerHTML;
    byId("rooms").replaceChildren(...rooms.childNodes);
    ownTimes();
    if (at) document.querySelector(`#rooms a[href="${CSS.escape(at)}"]`)?.focus({ preventScroll: true });
  } catch {
    // Away for a moment: the list stays as it was.
  }
}

let shown = byId("rooms").innerHTML;
ownTimes();
setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
