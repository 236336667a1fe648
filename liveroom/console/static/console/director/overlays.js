/** Overlays that the desk keeps: each shown on the preview, on air, or nowhere yet; scores and clocks changed while they are shown. */

import { element } from "../../page/dom.js";
import { FIELDS, KINDS, fresh, summary } from "./overlay-kinds.js";

export class Overlays {
  #list;
  #empty;
  #form;
  #files;
  #act;
  #rows = new Map();
  #shown = [];

  /** `act`: { add(overlay), change(id, change), remove(id) }, each answering a promise; `files`: pictures, [{ id, name }]. */
  constructor({ list, empty, menu, form, files, act }) {
    [this.#list, this.#empty, this.#form, this.#files, this.#act] = [list, empty, form, files, act];
    menu.replaceChildren(...Object.entries(KINDS).map(([kind, { title, icon }]) => {
      const button = element("button", { class: "lr-button lr-tiny", type: "button", "data-kind": kind, title: `Add: ${title}` },
        element("span", { class: "material-symbols-outlined", text: icon }), element("span", { text: title }));
      button.addEventListener("click", () => this.#edit(fresh(kind), null));
      return button;
    }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    form.querySelector("[data-cancel]").addEventListener("click", () => this.#close());
  }

  show(overlays) {
    this.#shown = overlays;
    this.#empty.hidden = overlays.length > 0;
    const known = new Set(overlays.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!known.has(id)) this.#rows.delete(id);
    const rows = overlays.map((overlay) => this.#row(overlay));
    if (rows.length !== this.#list.children.length || rows.some((row, at) => this.#list.children[at] !== row)) {
      this.#list.replaceChildren(...rows);
    }
  }

  #row(overlay) {
    let row = this.#rows.get(overlay.id);
    if (!row || row.dataset.kind !== overlay.kind) {
      row = this.#made(overlay);
      this.#rows.set(overlay.id, row);
    }
    row.querySelector("strong").textContent = KINDS[overlay.kind]?.title ?? overlay.kind;
    row.querySelector(".dk-overlay-text").textContent = summary(overlay);
    row.querySelector("[data-on=preview]").setAttribute("aria-pressed", String(overlay.on_preview));
    row.querySelector("[data-on=programme]").setAttribute("aria-pressed", String(overlay.on_programme));
    return row;
  }

  #made({ id, kind }) {
    const now = () => this.#shown.find((one) => one.id === id);
    const toggle = (on, text, title) => {
      const button = element("button", { class: `dk-chip dk-to-${on}`, type: "button", "data-on": on, title, text });
      button.addEventListener("click", () => this.#act.change(id, { [`on_${on}`]: button.getAttribute("aria-pressed") !== "true" }));
      return button;
    };
    const small = (icon, title, act) => {
      const button = element("button", { class: "dk-small", type: "button", title, "aria-label": title },
        element("span", { class: "material-symbols-outlined", text: icon }));
      button.addEventListener("click", act);
      return button;
    };
    const score = (side, step, text) => {
      const title = `${step > 0 ? "A point more" : "A point less"} for the ${side ? "second" : "first"}`;
      const button = element("button", { class: "dk-chip", type: "button", text, title });
      button.addEventListener("click", () => {
        const points = [...(now()?.score ?? [0, 0])];
        points[side] = Math.max(0, points[side] + step);
        this.#act.change(id, { score: points });
      });
      return button;
    };
    const quick = [];
    if (kind === "scoreboard") {
      quick.push(score(0, 1, "+1"), score(0, -1, "−1"), element("i", { class: "dk-gap" }), score(1, 1, "+1"), score(1, -1, "−1"));
    }
    if (kind === "countdown") {
      for (const minutes of [1, 5, 10]) {
        const title = `Count down from ${minutes} minutes now`;
        const button = element("button", { class: "dk-chip", type: "button", text: `${minutes} min`, title });
        button.addEventListener("click", () => this.#act.change(id, { until: Math.round(Date.now() / 1000) + minutes * 60 }));
        quick.push(button);
      }
    }
    const row = element(
      "li", { class: "dk-overlay" },
      element("div", { class: "dk-overlay-head" },
        element("span", { class: "material-symbols-outlined", text: KINDS[kind]?.icon ?? "layers" }),
        element("span", { class: "dk-overlay-name" }, element("strong"), element("span", { class: "dk-overlay-text" })),
        small("edit", "Change", () => this.#edit(now(), id)),
        small("delete", "Remove", () => this.#act.remove(id))),
      element("div", { class: "dk-chips" }, toggle("preview", "Preview", "Shown on the preview; a take brings it on air"),
        toggle("programme", "On air", "Shown to viewers at once"), ...quick),
    );
    row.dataset.kind = kind;
    return row;
  }

  // The form

  #edit(overlay, id) {
    this.#form.hidden = false;
    this.#form.dataset.id = id ?? "";
    this.#form.dataset.kind = overlay.kind;
    this.#form.querySelector("h3").textContent = `${id ? "Change" : "Add"}: ${KINDS[overlay.kind].title}`;
    const fields = KINDS[overlay.kind].fields.map((name) => this.#field(name, overlay));
    this.#form.querySelector("[data-fields]").replaceChildren(...fields);
    this.#form.querySelector("[data-fields] input, [data-fields] select")?.focus();
  }

  #field(name, overlay) {
    const { title, type, ...more } = FIELDS[name];
    let field;
    if (type === "picture") {
      field = element("select", { class: "dk-select", name });
      field.append(...this.#files.map((file) => element("option", { value: file.id, text: file.name })));
      if (!this.#files.length) field.append(element("option", { value: "", text: "Upload a picture among the room's films first" }));
      if (overlay.image) field.value = overlay.image;
    } else {
      field = element("input", { class: type === "range" ? "" : type === "color" ? "dk-color" : "dk-text", name, type, ...more });
      field.value = FIELDS[name].read ? FIELDS[name].read(overlay) : String(overlay[name] ?? "");
    }
    return element("label", { class: `dk-field dk-field-${type}` }, element("span", { text: title }), field);
  }

  async #save() {
    const { id, kind } = this.#form.dataset;
    const said = {};
    for (const field of this.#form.querySelectorAll("[data-fields] [name]")) {
      const { write, type } = FIELDS[field.name];
      if (write) Object.assign(said, write(field.value));
      else said[field.name] = type === "range" || type === "number" ? Number(field.value) : field.value;
    }
    if (kind === "image" && !said.image) return;
    const done = id ? await this.#act.change(id, said) : await this.#act.add({ ...fresh(kind), ...said, on_preview: true });
    if (done) this.#close();
  }

  #close() {
    this.#form.hidden = true;
  }
}
