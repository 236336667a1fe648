// The live panels of a room: asks every two seconds while somebody looks, shows what the engine and the database say.

const EVERY_MS = 2000;
const KEPT_MS = 120_000;

const panels = document.getElementById("live-panels");
const slots = new Map();
for (const slot of document.querySelectorAll("[data-live]")) slots.set(slot.dataset.live, slot);

/** Bitrates of the last two minutes: [when, kb/s]. */
let samples = [];
let misses = 0;

function text(name, value) {
  const slot = slots.get(name);
  if (slot && slot.textContent !== value) slot.textContent = value;
}

/** "3 minutes", "2 h 5 min" */
function span(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  const days = Math.floor(seconds / 86400);
  return `${days} day${days > 1 ? "s" : ""}`;
}

function ago(seconds) {
  return seconds < 5 ? "just now" : `${span(seconds)} ago`;
}

function draw(now) {
  samples = samples.filter(([at]) => at > now - KEPT_MS);
  const top = Math.max(1, ...samples.map(([, value]) => value)) * 1.15;
  const points = samples.map(([at, value]) => [240 - ((now - at) / KEPT_MS) * 240, 46 - (value / top) * 44]);
  const line = points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  slots.get("line").setAttribute("d", line);
  slots.get("area").setAttribute("d", points.length > 1 ? `${line}L${points.at(-1)[0]} 48L${points[0][0]} 48Z` : "");
}

function list(slot, lines, make) {
  slot.replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    make(item, line);
    return item;
  }));
}

function showHealth(health) {
  const onAir = Boolean(health?.on_air);
  document.getElementById("health-panel").dataset.onAir = onAir ? "yes" : "no";
  text("air", onAir ? `on air for ${span(health.on_air_seconds ?? 0)}` : "off air");
  if (!onAir) {
    samples = [];
    return;
  }
  const now = Date.now();
  if (health.bitrate_kbps !== null) samples.push([now, health.bitrate_kbps]);
  draw(now);
  text("bitrate", health.bitrate_kbps === null ? "–" : health.bitrate_kbps.toLocaleString("en"));
  text("size", health.width && health.height ? `${health.width} × ${health.height}` : "–");
  text("frame-rate", health.frame_rate ? `${Number(health.frame_rate.toFixed(1))} fps` : "–");
  text("keyframe", health.keyframe_seconds ? `${health.keyframe_seconds.toFixed(1)} s` : "measuring …");
  text("codecs", [health.video_codec, health.audio_codec].filter(Boolean).join(" + ") || "–");
  text("players", String(health.players));
  text("from", [health.software, health.address].filter(Boolean).join(", ") || "–");
  list(slots.get("advice"), health.advice, (item, line) => { item.textContent = line; });
}

/** ", 12 times since 20:01" */
function times(row) {
  if (row.count < 2) return "";
  const since = new Date(Date.now() - row.first_ago * 1000);
  return `, ${row.count} times since ${since.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
}

function showRefusal(item, row) {
  const from = `${row.address ? ` from ${row.address}` : ""}${row.given ? ` as “${row.given}”` : ""}`;
  item.textContent = `${ago(row.ago)}${times(row)}${from}: ${row.text} (${row.code}${row.detail ? `: ${row.detail}` : ""})`;
}

function showTried(rows) {
  const box = document.getElementById("tried");
  if (!box) return;
  box.hidden = rows.length === 0;
  list(slots.get("tried"), rows, showRefusal);
}

/** A refusal from before the last push that was let in is history, not news. */
function showRefusals(refusals, news) {
  const box = document.getElementById("refusals");
  // A moderator of the room has no such panel.
  if (!box) return;
  box.hidden = refusals.length === 0;
  if (!refusals.length) return;
  const [last] = refusals;
  slots.get("last-refusal").classList.toggle("lr-past", !news);
  text("last-refusal", `Last push refused ${ago(last.ago)}${times(last)}: ${last.text}`);
  list(slots.get("refusals"), refusals, showRefusal);
}

function show(state) {
  const status = slots.get("status");
  status.dataset.status = state.status;
  text("status", state.status.replaceAll("_", " "));
  text("status-for", `for ${span(state.status_seconds)}`);
  text("online", String(state.online));
  for (const button of document.querySelectorAll("[data-to-status]")) {
    button.hidden = !state.next.includes(button.dataset.toStatus);
  }
  showHealth(state.health);
  showRefusals(state.refusals, state.refusal_is_news);
  showTried(state.tried_from_here);
}

async function ask() {
  if (document.hidden) return;
  const trouble = slots.get("trouble");
  try {
    const answer = await fetch(panels.dataset.liveUrl, { headers: { Accept: "application/json" } });
    if (answer.redirected || !answer.ok) throw new Error(answer.redirected ? "Log in again." : `The server says ${answer.status}.`);
    show(await answer.json());
    misses = 0;
    trouble.hidden = true;
  } catch (error) {
    misses += 1;
    if (misses < 2) return;
    trouble.textContent = `These figures are old: ${error instanceof TypeError ? "the server does not answer." : error.message}`;
    trouble.hidden = false;
  }
}

show(JSON.parse(document.getElementById("live-state").textContent));
setInterval(ask, EVERY_MS);
document.addEventListener("visibilitychange", ask);
