/** Gifts: the panel and its purchases, and everybody's gifts as lines, banners and effects. A part of the page. */

import { announce, byId } from "./dom.js";
import { Banners } from "./gift-banners.js";
import { ComboButton } from "./gift-combo.js";
import { Effects } from "./gift-effects.js";
import { EFFECT, LINE, giftOf } from "./gift-look.js";
import { GiftPanel, catalogOf } from "./gift-panel.js";
import { Shop } from "./gift-shop.js";
import { OwnGifts } from "./own-gifts.js";

const DEMO_TOPUP = 1_000;
const FRESH_MS = 60_000;

export class Gifts {
  #page;
  #own = new OwnGifts();
  #shop;
  #panel;
  #combo;
  #banners;
  #effects;
  #catalog = new Map();
  #readAt = -Infinity;
  #who = null;

  events = { gift: (event) => this.#heard(event) };

  you = {
    wallet: ({ balance }) => {
      if (this.#shop.waiting === 0) this.#shop.balance = balance;
    },
  };

  constructor(page) {
    this.#page = page;
    const small = matchMedia("(max-width: 899px)").matches;
    this.#banners = new Banners({ layer: byId("gift-banners"), places: small ? 2 : 3 });
    this.#effects = new Effects({ layer: byId("effects"), vendor: page.shell.vendor, home: page.shell.home });
    this.#shop = new Shop({ post: (purchase) => this.#post(purchase), told: (...said) => this.#told(...said) });
    this.#panel = new GiftPanel({
      buy: (gift, count) => this.#buy(gift, count),
      opened: () => this.#refresh(),
      topUp: () => this.#topUp(),
    });
    this.#combo = new ComboButton({
      again: (gift, count) => this.#buy(gift, count),
      over: (gift, number) => announce(`You sent ${number} × ${gift.name}.`),
    });
  }

  enter(snapshot, { recovered }) {
    if (!recovered) this.#own.forget();
    if (this.#who === this.#page.session.user + this.#page.session.usersig) return;
    // Somebody else now: another wallet.
    this.#who = this.#page.session.user + this.#page.session.usersig;
    this.#shop.balance = null;
    this.#readAt = -Infinity;
    if (this.#panel.isOpen) this.#refresh();
  }

  /** Nothing of before is shown any more. */
  clear() {
    this.#banners.clear();
    this.#effects.clear();
    this.#own.forget();
  }

  render() {
    const { state, session } = this.#page;
    const out = state.socket.state === "refused" || state.room === null || state.replay !== null;
    byId("gift-open").hidden = out || (state.me.role === "owner" && Boolean(session.usersig));
    if (out && this.#panel.isOpen) this.#panel.toggle(false);
    byId("gift-guest").hidden = !this.#page.guest;
    byId("gift-purse").hidden = this.#page.guest;
  }

  async #refresh() {
    if (Date.now() - this.#readAt < FRESH_MS) return;
    this.#readAt = Date.now();
    try {
      const [offered, wallet] = await Promise.all([
        this.#page.api.get("/gifts"),
        this.#page.guest ? null : this.#page.api.get("/wallet"),
      ]);
      const gifts = catalogOf(offered);
      this.#catalog = new Map(gifts.map((gift) => [gift.code, gift]));
      this.#panel.show(gifts, wallet?.currency ?? offered.currency);
      this.#wallet(wallet);
    } catch (error) {
      this.#readAt = -Infinity;
      this.#panel.remark(`The gifts cannot be shown: ${error.message}`, { "Try again": () => this.#refresh() });
    }
  }

  #wallet(wallet) {
    if (this.#shop.waiting === 0) this.#shop.balance = wallet?.balance ?? null;
  }

  #buy(gift, count) {
    if (this.#page.guest) {
      this.#page.askToSignIn("Sign in to send a gift.");
      return;
    }
    this.#panel.remark("");
    if (this.#shop.buy({ gift: gift.code, count, price: gift.price }) === null) {
      this.#panel.remark("Many gifts are on their way. Wait a moment, please.");
      return;
    }
    this.#combo.count({ ...gift, times: count });
  }

  #post({ gift, count, key }) {
    const path = `/rooms/${encodeURIComponent(this.#page.shell.room)}/gifts`;
    return this.#page.api.post(path, { gift, count }, { "idempotency-key": key });
  }

  #told(what, purchase, more = {}) {
    if (what === "balance") {
      this.#panel.balance(this.#shop.balance, { canTopUp: this.#canTopUp });
    } else if (what === "sent") {
      this.#own.sent(purchase.gift, purchase.count);
    } else if (what === "paid") {
      this.#paid(purchase, more.receipt);
    } else if (what === "unknown") {
      this.#panel.toggle(true);
      const often = { "Ask again": () => this.#shop.retry(), "Forget it": () => this.#shop.drop() };
      this.#panel.remark("The server does not answer, so it is not known whether your gift was sent. It is charged once at most.", often);
    } else {
      this.#own.failed(purchase.gift, purchase.count);
      this.#refused(more);
    }
  }

  #paid(purchase, { event }) {
    const runs = this.#catalog.get(purchase.gift)?.combo ?? true;
    const combo = this.#own.paid(purchase.gift, purchase.count, { runs, now: Date.now() });
    this.#panel.remark("");
    if (combo > 0 && event) this.#show({ ...event, combo }, true);
  }

  #refused({ error, quiet, dropped }) {
    if (quiet) return;
    this.#combo.close();
    if (dropped) {
      this.#panel.remark("");
      this.#readAt = -Infinity;
      this.#refresh();
      return;
    }
    this.#panel.toggle(true);
    if (error.status !== 402) {
      this.#panel.remark(error.message);
      return;
    }
    const ways = this.#canTopUp ? { "Top up": () => this.#topUp() } : null;
    this.#panel.remark(`Your balance is too small for that. ${this.#canTopUp ? "" : "Top up where you got your account."}`.trim(), ways);
    announce("Your balance is too small for that.");
  }

  get #canTopUp() {
    return this.#page.shell.demo && !this.#page.guest;
  }

  /** The demo's coins cost nothing. */
  async #topUp() {
    try {
      const wallet = await this.#page.api.post("/demo/topups", { amount: DEMO_TOPUP });
      this.#wallet(wallet);
      this.#panel.remark("");
      announce(`Your balance is ${wallet.balance}.`);
    } catch (error) {
      this.#panel.remark(error.message);
    }
  }

  /** What the room hears; one's own was shown by its receipt already. */
  #heard(event) {
    const gift = giftOf(event);
    if (gift === null) return;
    const own = gift.user !== "" && gift.user === this.#page.state.me.id;
    if (!own) {
      this.#show(event, false);
      return;
    }
    const { show, combo } = this.#own.told(gift, Date.now());
    if (show) {
      this.#show({ ...event, combo: Math.max(combo, gift.combo) }, true);
      return;
    }
    this.#banners.renumber(gift.key, combo);
    this.#page.comments.renumberGift(gift, combo);
  }

  #show(event, own) {
    const gift = giftOf(event);
    if (gift === null) return;
    gift.own = own;
    gift.avatar = event.from?.avatar;
    this.#page.comments.addGift(event, gift);
    if (gift.kind !== LINE) this.#banners.add(gift);
    if (gift.kind === EFFECT) this.#effects.add(gift);
  }
}
