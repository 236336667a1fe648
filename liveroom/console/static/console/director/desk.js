// The director's desk: preview and programme, inputs, layouts, overlays, sound and comments of one mix, for as many desks as look at it.

import { byId } from "../../page/dom.js";
import { Shortcuts } from "../../page/shortcuts.js";
import { Api } from "./api.js";
import { PlaceEditor } from "./canvas.js";
import { Comments } from "./comments.js";
import { Connection } from "./connection.js";
import { InputsDialog } from "./inputs-dialog.js";
import { Inputs, nameOf } from "./inputs.js";
import { Inspector } from "./inspector.js";
import { Layouts } from "./layouts.js";
import { added, alone, changed, laidOut, layered, seated, whole, without } from "./looks.js";
import { Mixer } from "./mixer.js";
import { Overlays } from "./overlays.js";
import { Status } from "./status.js";

const SEND_MS = 90;
const ASK_MS = 5_000;
const PICKED = "picked-comment";

const about = JSON.parse(byId("desk-about").textContent);
const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
const api = new Api({ mix: about.mix, sdkappid: about.sdkappid, token });
const status = new Status();

/** What the server said last; the places of the preview as they are here, perhaps ahead of it. */
let state = about.state;
let draft = null;
let sending = false;
let sendTimer = 0;
let asking = null;
let askAgain = false;
let toldAt = 0;
let lastPicked = "";

// -- what is shown

const editor = new PlaceEditor({
  box: byId("desk-canvas"),
  onChange: (index, place, { done }) => edit(changed(places(), index, place), { send: done, redraw: done }),
  onSelect: () => showInspector(),
  onDrop: (index, input) => edit(index < 0 ? added(places(), input) : seated(places(), index, input)),
});
const inputs = new Inputs({ box: byId("desk-inputs"), onPick: pick, onCut: (id) => act(api.cut(id)) });
const inspector = new Inspector({
  box: byId("desk-inspector"),
  onChange: (more) => edit(changed(places(), editor.selected, more)),
  onLayer: (step) => edit(layered(places(), editor.selected, step)),
  onRemove: () => {
    const index = editor.selected;
    editor.select(-1);
    edit(without(places(), index));
  },
});
const layouts = new Layouts({
  box: byId("desk-layouts"),
  layouts: about.layouts,
  onPick: (name) => {
    const { places: boxes } = about.layouts.find((one) => one.name === name);
    editor.select(-1);
    edit(laidOut(boxes, places(), state.inputs.map(({ id }) => id)));
    layouts.mark(name);
  },
});
const mixer = new Mixer({ box: byId("desk-mixer"), send: (change) => act(api.audio(change)) });
const overlays = new Overlays({
  list: byId("desk-overlays"), empty: byId("desk-overlays-none"), menu: byId("desk-overlay-menu"), form: byId("desk-overlay-form"),
  files: about.pictures,
  act: {
    add: (overlay) => act(api.addOverlay(overlay)),
    change: (id, change) => act(api.changeOverlay(id, change)),
    remove: (id) => act(api.removeOverlay(id)),
  },
});
const comments = new Comments({
  list: byId("desk-comments"), empty: byId("desk-comments-none"), room: about.room,
  onPick: (comment) => act(comment ? api.showComment({ seq: comment.seq }) : api.hideComment()),
});
new InputsDialog({
  dialog: byId("desk-inputs-dialog"), opener: byId("desk-inputs-open"), choices: about.choices,
  inputs: () => state.inputs, save: (list) => act(api.setInputs(list)),
});

function places() {
  return draft ?? (state.preview ?? state.programme).places;
}

function names() {
  return new Map(state.inputs.map((input) => [input.id, nameOf(input)]));
}

function showInspector() {
  const place = editor.selected < 0 ? null : (places()[editor.selected] ?? null);
  inspector.show(place === null ? null : whole(place), state.inputs.map((input) => ({ id: input.id, name: nameOf(input) })));
  byId("desk-inspector-none").hidden = place !== null;
}

function show(next) {
  // An answer that was overtaken by a newer one is old.
  if (next.serial < state.serial && next.id === state.id) return;
  state = next;
  if (!sending && !sendTimer && !editor.isBusy) draft = null;
  byId("desk").dataset.state = state.state;
  inputs.show(state.inputs, { preview: { places: places() }, programme: state.programme });
  editor.show(places(), names());
  byId("desk-canvas").style.background = state.preview?.background.color ?? state.programme.background.color;
  byId("desk-programme-box").style.background = state.programme.background.color;
  byId("desk-hint").hidden = state.preview !== null || draft !== null;
  for (const id of ["take", "cut", "fade"]) byId(`desk-${id}`).disabled = state.preview === null;
  mixer.show(state.inputs, state.master_db);
  overlays.show(state.overlays);
  comments.mark(state.programme.overlays.find(({ id }) => id === PICKED) ?? null);
  byId("desk-running-comments").checked = state.comments !== null;
  showInspector();
  status.show(state);
}

// -- what is done

/** What was done, done; the answer is the newest state. Resolves to whether it was. */
async function act(promise) {
  try {
    const answer = await promise;
    status.refused("");
    if (answer) show(answer);
    return true;
  } catch (error) {
    status.refused(error.message);
    ask();
    return false;
  }
}

/** Other places in the preview: here at once, at the server soon, one change after the other. */
function edit(next, { send = true, redraw = true } = {}) {
  draft = next;
  layouts.mark("");
  if (redraw) {
    editor.show(next, names());
    inputs.show(state.inputs, { preview: { places: next }, programme: state.programme });
  }
  showInspector();
  if (send && !sendTimer) sendTimer = setTimeout(sendDraft, SEND_MS);
}

async function sendDraft() {
  sendTimer = 0;
  if (sending) {
    sendTimer = setTimeout(sendDraft, SEND_MS);
    return;
  }
  sending = true;
  const said = draft;
  try {
    const answer = await api.prepare({ layout: said });
    status.refused("");
    sending = false;
    if (draft === said) draft = null;
    show(answer);
  } catch (error) {
    sending = false;
    draft = null;
    status.refused(error.message);
    ask();
  }
}

/** An input into the chosen place; without one, the preview is this input alone. */
function pick(id) {
  lastPicked = id;
  edit(editor.selected < 0 ? alone(places(), id) : seated(places(), editor.selected, id));
}

/** What was just done in the preview goes first. */
async function settled() {
  const wait = () => new Promise((done) => setTimeout(done, 20));
  while (sendTimer || sending) await wait();
}

async function take(transition) {
  await settled();
  editor.select(-1);
  byId("desk").classList.add("dk-taking");
  await act(api.take(transition, Number(byId("desk-ms").value)));
  byId("desk").classList.remove("dk-taking");
}

function muteChosen() {
  const id = places()[editor.selected]?.input ?? lastPicked;
  const input = state.inputs.find((one) => one.id === id);
  if (input) act(api.audio({ inputs: { [input.id]: { muted: !input.muted } } }));
  else status.refused("M mutes the input of the chosen place; choose one in the preview first.");
}

function ask() {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = api.state().then(show, (error) => status.refused(error.message)).finally(() => {
    asking = null;
    if (askAgain) {
      askAgain = false;
      ask();
    }
  });
}

// -- what is heard

function hear(frame) {
  if (frame.type === "told") {
    const now = performance.now();
    const seconds = Math.min(1, (now - toldAt) / 1000);
    toldAt = now;
    frame.inputs ??= [];
    inputs.told(frame.inputs, seconds);
    mixer.told(frame, seconds);
    status.told(frame);
    if (state.state !== "running") askSoon();
  } else if (frame.type === "pictures") {
    for (const [name, base64] of Object.entries(frame.pictures)) showPicture(name, `data:image/jpeg;base64,${base64}`);
  } else if (frame.type === "scene") {
    if (frame.serial !== state.serial && frame.serial >= 0) ask();
  } else if (frame.type === "desk") {
    ask();
  } else if (frame.type === "away") {
    status.away(frame.away);
  }
}

let soon = 0;
function askSoon() {
  soon ||= setTimeout(() => {
    soon = 0;
    ask();
  }, 1_000);
}

function showPicture(name, source) {
  if (name.startsWith("input:")) {
    inputs.picture(name.slice(6), source);
    return;
  }
  const image = byId(`desk-${name}`);
  if (!image || (name === "preview" && editor.isBusy)) return;
  image.src = source;
  image.hidden = false;
}

const connection = new Connection({
  hear,
  state: (open) => status.connected(open),
  fresh: async () => (await api.state()).live,
});

setInterval(() => {
  const stale = inputs.isStale;
  inputs.fade(stale);
  byId("desk").classList.toggle("dk-silent", stale);
  status.stale(stale);
}, 500);
setInterval(() => !document.hidden && ask(), ASK_MS);

// -- buttons and keys

const chosen = () => document.querySelector("[name=transition]:checked").value;
const on = (id, what) => byId(id).addEventListener("click", what);
on("desk-take", () => take(chosen()));
on("desk-cut", () => take("cut"));
on("desk-fade", () => take("fade"));
on("desk-help-open", () => byId("desk-help").showModal());
byId("desk-ms").addEventListener("input", ({ target }) => (byId("desk-ms-shown").textContent = `${(target.value / 1000).toFixed(1)} s`));
byId("desk-running-comments").addEventListener("change", ({ target }) => act(api.runComments(target.checked)));
// A button that was clicked does not keep the keys: Space and Enter are the desk's.
document.addEventListener("click", ({ target, detail }) => detail > 0 && target.closest("#desk button")?.blur());

/** With the keyboard on a button, Enter is that button's. */
function enter() {
  const button = document.activeElement?.closest("button, a, summary");
  if (button) button.click();
  else take(chosen());
}

const keys = { enter, " ": () => take("cut"), f: () => take("fade"), m: muteChosen };
for (let digit = 1; digit <= 9; digit += 1) keys[digit] = () => state.inputs[digit - 1] && pick(state.inputs[digit - 1].id);
keys.delete = () => editor.selected >= 0 && edit(without(places(), editor.selected));
new Shortcuts({ keys, help: byId("desk-help") });

show(state);
connection.open();
comments.listen();
