/** What can be given: the catalog with prices, how many at a click, the balance. Buttons all the way, so keys and readers do. */

import { byId, element } from "./dom.js";
import { giftPicture, pictureOf } from "./gift-look.js";

const MOST_AT_ONCE = 9_999;
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

/** A price or balance as it fits beside a picture; the whole number up to 99,999. */
export function money(amount) {
  return amount < 100_000 ? amount.toLocaleString("en-US") : compact.format(amount);
}

/** The entries of `GET /gifts` that can be shown: { code, name, kind, price, unit, icon, effect, combo }. */
export function catalogOf(answer) {
  const entries = Array.isArray(answer?.results) ? answer.results : [];
  return entries
    .filter((entry) => typeof entry?.id === "string" && Number.isSafeInteger(entry.price) && entry.price > 0)
    .map((entry) => ({
      code: entry.id,
      name: String(entry.name ?? entry.id),
      kind: entry.kind ?? entry.type ?? 1,
      price: entry.price,
      unit: String(entry.unit ?? ""),
      icon: pictureOf(entry.icon),
      effect: pictureOf(entry.effect),
      combo: entry.combo !== false,
    }));
}

export class GiftPanel {
  #panel = byId("gift-panel");
  #open = byId("gift-open");
  #list = byId("gift-list");
  #own = byId("gift-own");
  #gifts = [];
  #currency = "coins";
  #buy;
  #opened;
  #topUp;

  /** `buy(gift, count)`, `opened()` each time it is opened, `topUp()` for the button beside the balance. */
  constructor({ buy, opened, topUp }) {
    [this.#buy, this.#opened, this.#topUp] = [buy, opened, topUp];
    this.#open.addEventListener("click", () => this.toggle());
    byId("gift-close").addEventListener("click", () => this.toggle(false));
    byId("gift-topup").addEventListener("click", () => this.#topUp());
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.toggle(false);
      else this.#arrows(event);
    });
    byId("gift-counts").addEventListener("change", () => this.#counted());
    byId("gift-counts").addEventListener("submit", (event) => event.preventDefault());
    this.#own.addEventListener("focus", () => {
      this.#own.closest("label").querySelector("input[type=radio]").checked = true;
      this.#counted();
    });
    this.#own.addEventListener("input", () => this.#counted());
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  toggle(open = !this.isOpen) {
    if (open === this.isOpen) return;
    this.#panel.hidden = !open;
    this.#open.setAttribute("aria-expanded", String(open));
    if (open) {
      this.#opened();
      (this.#list.querySelector("button") ?? byId("gift-close")).focus({ preventScroll: true });
    } else {
      this.#open.focus({ preventScroll: true });
    }
  }

  /** How many at a click; 0 where the own number is none. */
  get count() {
    const chosen = new FormData(byId("gift-counts")).get("count");
    const count = chosen === "own" ? Number(this.#own.value) : Number(chosen);
    return Number.isInteger(count) && count >= 1 && count <= MOST_AT_ONCE ? count : 0;
  }

  /** `gifts`: as of catalogOf. */
  show(gifts, currency = "coins") {
    this.#currency = currency;
    this.#gifts = gifts;
    const focused = document.activeElement;
    // Opened before anything was there: it goes on to the first gift.
    const had = focused?.dataset?.gift ?? (focused === byId("gift-close") ? gifts[0]?.code : undefined);
    this.#list.replaceChildren(...gifts.map((gift) => this.#entry(gift)));
    byId("gift-none").hidden = gifts.length > 0;
    byId("gift-none").textContent = "There are no gifts at the moment.";
    this.#counted();
    if (had) this.#list.querySelector(`[data-gift="${CSS.escape(had)}"]`)?.focus({ preventScroll: true });
  }

  /** `balance` null: not known. `demo`: coins can be had here. */
  balance(balance, { canTopUp = false } = {}) {
    byId("gift-balance").textContent = balance === null ? "–" : money(Math.max(0, balance));
    byId("gift-balance").title = balance === null ? "" : `${balance.toLocaleString("en-US")} ${this.#currency}`;
    byId("gift-topup").hidden = !canTopUp;
  }

  /** What went wrong, with a button if something can be done about it; empty words take it away. */
  remark(text, action = null) {
    const box = byId("gift-remark");
    box.hidden = text === "";
    box.replaceChildren(element("span", { text }));
    for (const [label, act] of Object.entries(action ?? {})) {
      const button = element("button", { class: "link", type: "button", text: label });
      button.addEventListener("click", act);
      box.append(" ", button);
    }
  }

  #entry(gift) {
    const button = element(
      "button", { class: "gift", type: "button", "data-gift": gift.code },
      giftPicture(gift),
      element("bdi", { class: "gift-name", text: gift.name }),
      element("span", { class: "gift-price" }),
    );
    button.addEventListener("click", () => this.count && this.#buy(gift, this.count));
    return element("li", {}, button);
  }

  #counted() {
    const { count } = this;
    const wrong = count === 0 && this.#own.value !== "";
    this.#own.setAttribute("aria-invalid", String(wrong));
    this.remark(wrong ? `A whole number from 1 to ${MOST_AT_ONCE.toLocaleString("en-US")}, please.` : "");
    for (const [at, gift] of this.#gifts.entries()) {
      const button = this.#list.children[at].firstElementChild;
      const total = gift.price * Math.max(1, count);
      button.disabled = count === 0;
      button.querySelector(".gift-price").textContent = money(total);
      const many = count > 1 ? `${count} × ${gift.name}` : gift.name;
      const label = `Send ${many} for ${total.toLocaleString("en-US")} ${this.#currency}`;
      button.setAttribute("aria-label", label);
      button.title = label;
    }
  }

  /** Arrow keys walk through the grid. */
  #arrows(event) {
    const buttons = [...this.#list.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    if (at < 0) return;
    const top = buttons[0].offsetTop;
    const columns = Math.max(1, buttons.findIndex((button) => button.offsetTop > top));
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (step === undefined || !buttons[at + step]) return;
    event.preventDefault();
    buttons[at + step].focus();
  }
}
