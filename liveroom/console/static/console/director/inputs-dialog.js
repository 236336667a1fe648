/** Which inputs the mix has: taken out, named, added from what there is. */

import { element } from "../../page/dom.js";
import { nameOf } from "./inputs.js";

export class InputsDialog {
  #dialog;
  #inputs;
  #save;
  #list = [];

  /** `choices`: [{ group, options: [{ title, input }] }]; `inputs()`: those of the mix; `save(list)`: as `PATCH /mixes/{id}` takes them. */
  constructor({ dialog, opener, choices, inputs, save }) {
    [this.#dialog, this.#inputs, this.#save] = [dialog, inputs, save];
    const select = dialog.querySelector("select");
    const all = [];
    for (const { group, options } of choices) {
      const part = element("optgroup", { label: group });
      for (const { title, input } of options) part.append(element("option", { value: String(all.push(input) - 1), text: title }));
      if (options.length) select.append(part);
    }
    opener.addEventListener("click", () => this.#open());
    dialog.querySelector("[data-add]").addEventListener("click", () => {
      const input = all[Number(select.value)];
      if (input) this.#put([...this.#list, { ...input, label: select.selectedOptions[0].textContent }]);
    });
    dialog.querySelector("[data-save]").addEventListener("click", () => this.#done());
  }

  #open() {
    this.#put(this.#inputs().map((input) => ({ id: input.id, name: input.name, label: nameOf(input) })));
    this.#say("");
    this.#dialog.showModal();
  }

  #say(text) {
    const alert = this.#dialog.querySelector("[role=alert]");
    alert.textContent = text;
    alert.hidden = !text;
  }

  #put(list) {
    this.#list = list;
    this.#dialog.querySelector("ul").replaceChildren(...list.map((one, index) => {
      const name = element("input", {
        class: "dk-text", type: "text", maxlength: "80", "aria-label": `Name of ${one.label}`, placeholder: one.label,
      });
      name.value = one.name ?? "";
      name.addEventListener("input", () => (one.name = name.value));
      const remove = element("button", { class: "lr-button lr-tiny lr-danger-quiet", type: "button", text: "Take out" });
      remove.addEventListener("click", () => this.#put(this.#list.filter((_, at) => at !== index)));
      return element("li", { class: "dk-input-row" }, element("kbd", { text: String(index + 1) }), name, remove);
    }));
  }

  async #done() {
    const said = this.#list.map(({ label: _, ...one }) => one);
    if (await this.#save(said)) this.#dialog.close();
    else this.#say(document.getElementById("desk-alert").textContent);
  }
}
