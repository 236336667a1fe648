/**
 * Keys that do what a button does, and the list of them on `?`.
 *
 * Whoever types into a field and loses it (it closes, it is hidden, the server takes the place away) goes on typing for a
 * while: those letters are nobody's shortcuts. They become shortcuts again when a person says so: with a click, Tab or Escape.
 */

const FIELDS = "input:not([type=range], [type=radio], [type=checkbox], [type=button]), textarea, [contenteditable]";

export class Shortcuts {
  #keys;
  #help;
  #used;
  #typing = false;

  /** `keys`: key → act. `help`: the dialog that lists them. `used()` after each. */
  constructor({ keys, help, used = () => {} }) {
    [this.#keys, this.#help, this.#used] = [keys, help, used];
    // Before the page's own handlers: what they do with a key may move the focus.
    document.addEventListener("keydown", (event) => this.#pressed(event), true);
    document.addEventListener("focusin", ({ target }) => (this.#typing = target.matches(FIELDS)));
    document.addEventListener("pointerdown", ({ target }) => (this.#typing = target.closest(FIELDS) !== null), true);
  }

  #pressed(event) {
    const { key, target } = event;
    if (key === "Tab" || key === "Escape") {
      this.#typing = target.matches?.(FIELDS) === true;
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.defaultPrevented) return;
    if (this.#typing || target.closest?.("input, textarea, select, summary, [contenteditable]")) return;
    if (key === "?") {
      event.preventDefault();
      if (this.#help.open) this.#help.close();
      else this.#help.showModal();
      return;
    }
    if (this.#help.open || (key === " " && target.closest?.("button, a"))) return;
    const act = this.#keys[key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    // A key that is held down is pressed once; an arrow goes on.
    if (event.repeat && !key.startsWith("Arrow")) return;
    act();
    this.#used();
  }
}
