// A page that goes on: it is asked for again every few seconds; parts marked data-fresh are replaced, plots move.

const root = document.querySelector("[data-running]");
const EVERY_MS = Number(root.dataset.everyMs ?? 10_000);

/** Somebody is in the middle of something there. */
function isBusy(part) {
  const playing = [...part.querySelectorAll("video, audio")].some((media) => !media.paused);
  return playing || part.contains(document.activeElement) || Boolean(part.querySelector("dialog[open], details[open]"));
}

function redraw(canvas, fresh) {
  const chart = window.Chart?.getChart(canvas);
  if (!chart || !fresh || canvas.dataset.value === fresh.dataset.value) return;
  canvas.dataset.value = fresh.dataset.value;
  canvas.setAttribute("aria-label", fresh.getAttribute("aria-label"));
  const { labels, datasets } = JSON.parse(fresh.dataset.value);
  chart.data.labels = labels;
  datasets.forEach((set, place) => {
    const known = chart.data.datasets[place];
    known.data = set.data;
    if (set.pointRadius) known.pointRadius = set.pointRadius;
  });
  chart.update("none");
}

async function refresh() {
  if (document.hidden || root.dataset.running !== "yes") return;
  try {
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "fetch" } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const show = page.querySelector("[data-running]");
    if (!show) return;
    for (const part of root.querySelectorAll("[data-fresh]")) {
      const fresh = page.getElementById(part.id);
      if (fresh && fresh.innerHTML !== part.innerHTML && !isBusy(part)) {
        const table = part.querySelector(".lr-scroll");
        const at = table ? table.scrollTop : 0;
        part.innerHTML = fresh.innerHTML;
        if (table) part.querySelector(".lr-scroll").scrollTop = at;
      }
    }
    for (const canvas of root.querySelectorAll("canvas.chart")) redraw(canvas, page.getElementById(canvas.id));
    root.dataset.running = show.dataset.running;
  } catch {
    // The next round will tell.
  }
}

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
