// The films of a room: drops become uploads, one after the other; the list follows what the server says of each.

import { Refused, Upload } from "./upload.js";

const SOON_MS = 1000;
const LATER_MS = 10_000;
const SHOWN = 100;
const WORDS = { uploading: "uploading", checking: "looking at it", ready: "ready", refused: "refused" };
const PILLS = { uploading: "to_be_started", checking: "paused", ready: "good", refused: "blocked" };

const about = JSON.parse(document.getElementById("files-about").textContent);
const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
const list = document.getElementById("files-list");
const alert = document.getElementById("files-alert");
const drop = document.getElementById("files-drop");
const dialog = document.getElementById("files-remove");
const place = new URLSearchParams({ room: about.room, sdkappid: about.sdkappid });

/** id → its row; id → the upload that this page sends. */
const rows = new Map();
const uploads = new Map();
const queue = [];
let sending = false;
let timer = 0;
let asked = null;

function size(bytes) {
  const units = ["bytes", "KB", "MB", "GB"];
  let value = bytes;
  while (value >= 1000 && units.length > 1) {
    value /= 1000;
    units.shift();
  }
  return `${value >= 100 || units[0] === "bytes" ? Math.round(value) : value.toFixed(1)} ${units[0]}`;
}

function span(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  return parts.slice(parts[0] ? 0 : 1).map((part) => String(part).padStart(2, "0")).join(":");
}

function facts(file, received) {
  if (file.state === "refused") return file.reason;
  if (file.state === "uploading") {
    const done = `${size(received)} of ${size(file.size_bytes)}`;
    return uploads.has(file.id) ? done : `${done}. Choose the same file again to go on.`;
  }
  const picture = file.width ? `${file.width} × ${file.height}` : "";
  const codecs = [file.video_codec, file.audio_codec].filter(Boolean).join(" + ");
  const length = file.duration_seconds === null ? "" : span(file.duration_seconds);
  return [length, picture, codecs, size(file.size_bytes)].filter(Boolean).join(" · ");
}

function rowOf(id) {
  if (!rows.has(id)) {
    const row = document.getElementById("files-row").content.firstElementChild.cloneNode(true);
    row.dataset.id = id;
    row.querySelector("[data-act=remove]").addEventListener("click", () => ask(id, row));
    rows.set(id, row);
  }
  return rows.get(id);
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function show(file) {
  const row = rowOf(file.id);
  // What this page has sent is newer than the server's last word.
  const received = Math.max(file.received_bytes, uploads.get(file.id)?.sent ?? 0);
  put(row.querySelector("strong"), file.name);
  put(row.querySelector("p"), facts(file, received));
  const pill = row.querySelector(".lr-status");
  pill.dataset.status = PILLS[file.state];
  put(pill, WORDS[file.state]);
  const bar = row.querySelector("progress");
  bar.hidden = file.state !== "uploading";
  bar.value = received / file.size_bytes;
  bar.setAttribute("aria-label", `${file.name}: ${Math.floor((100 * received) / file.size_bytes)} %`);
  const picture = row.querySelector("img");
  picture.hidden = !file.thumbnail;
  // Its address is signed anew each time; the picture is the same.
  if (file.thumbnail && !picture.src) picture.src = file.thumbnail;
  row.file = file;
  return row;
}

function tell(text) {
  alert.textContent = text;
  alert.hidden = !text;
}

async function refresh() {
  clearTimeout(timer);
  let busy = sending;
  try {
    const answer = await fetch(`/api/v1/files?${place}&limit=${SHOWN}`);
    if (answer.ok) {
      const files = (await answer.json()).results;
      const shown = files.map(show);
      if (shown.length !== list.children.length || shown.some((row, index) => list.children[index] !== row)) {
        list.replaceChildren(...shown);
      }
      document.getElementById("files-none").hidden = files.length > 0;
      busy ||= files.some((file) => file.state === "checking");
    }
  } catch {
    // The next round will tell.
  }
  timer = setTimeout(refresh, busy ? SOON_MS : LATER_MS);
}

async function sendAll() {
  if (sending) return;
  sending = true;
  while (queue.length) {
    const file = queue.shift();
    const upload = new Upload({
      file,
      about: { room: about.room, sdkappid: about.sdkappid },
      token,
      progressed: (id, bytes) => {
        upload.sent = bytes;
        if (!uploads.has(id)) {
          uploads.set(id, upload);
          refresh();
        } else if (rows.get(id)?.file) show(rows.get(id).file);
      },
    });
    try {
      await upload.run();
    } catch (error) {
      tell(`${file.name}: ${error instanceof Refused ? error.message : "something failed in this page; reload it."}`);
    }
    uploads.delete(upload.id);
    await refresh();
  }
  sending = false;
}

function add(files) {
  tell("");
  for (const file of files) {
    if (file.size > about.most_bytes) tell(`${file.name} has ${size(file.size)}; ${size(about.most_bytes)} at most.`);
    else if (!file.size) tell(`${file.name} is empty.`);
    else queue.push(file);
  }
  sendAll();
}

function ask(id, row) {
  asked = id;
  put(dialog.querySelector(".lr-question"), `${row.file.name} is gone for good then.`);
  dialog.showModal();
}

async function remove(id) {
  uploads.get(id)?.stop();
  const answer = await fetch(`/api/v1/files/${id}?${place}`, { method: "DELETE", headers: { "X-CSRFToken": token } });
  if (answer.ok || answer.status === 404) rows.delete(id);
  else tell((await answer.json()).detail);
  await refresh();
}

document.getElementById("files-remove-yes").addEventListener("click", () => {
  dialog.close();
  remove(asked);
});
// On its way down: the theme listens at every field for files, and looks for a neighbour that this one has not.
drop.addEventListener("change", (event) => {
  event.stopPropagation();
  add([...event.target.files]);
  event.target.value = "";
}, true);
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("lr-over");
  });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("lr-over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  add([...event.dataTransfer.files]);
});
addEventListener("beforeunload", (event) => {
  if (sending) event.preventDefault();
});
refresh();
