/** Buttons over the picture: play, sound, live edge, bullet comments, full screen. Their keys: shortcuts.js. */

import { byId, remember } from "./dom.js";
import { Shortcuts } from "./shortcuts.js";

const HIDE_MS = 2_800;

export class Controls {
  #stage = byId("stage");
  #video = byId("video");
  #player;
  #danmaku;
  #timer = 0;
  #keys;

  constructor({ player, danmaku }) {
    this.#player = player;
    this.#danmaku = danmaku;
    this.#sound();
    this.#bullets();
    byId("play").addEventListener("click", () => this.#toggle());
    byId("edge").addEventListener("click", () => this.#player.resume());
    byId("fullscreen").addEventListener("click", () => this.#fullscreen());
    document.addEventListener("fullscreenchange", () => {
      press("fullscreen", document.fullscreenElement !== null, ["Full screen", "Leave full screen"]);
    });
    for (const type of ["play", "pause"]) this.#video.addEventListener(type, () => this.refresh());
    for (const type of ["pointermove", "pointerdown", "focusin"]) this.#stage.addEventListener(type, () => this.#wake());
    this.#stage.addEventListener("pointerleave", () => this.#sleep());
    const keys = { k: () => this.#toggle(), " ": () => this.#toggle() };
    const buttons = { m: "mute", f: "fullscreen", d: "danmaku-toggle", l: "like", g: "gift-open" };
    for (const [key, id] of Object.entries(buttons)) keys[key] = () => byId(id).click();
    this.#keys = keys;
    new Shortcuts({ keys, help: byId("keys"), used: () => this.#wake() });
    byId("keys-open").addEventListener("click", () => {
      closeMenus(null);
      byId("keys").showModal();
    });
    document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(null));
    document.addEventListener("pointerdown", (event) => closeMenus(event.target));
    this.#wake();
  }

  /** What the buttons work: the live player, or a recording that has the same names. */
  set player(player) {
    this.#player = player;
    this.refresh();
  }

  play() {
    this.#player.resume();
  }

  /** Keys that do something for a while; null takes them back. */
  also(keys) {
    for (const key of ["arrowleft", "arrowright"]) delete this.#keys[key];
    Object.assign(this.#keys, keys ?? {});
  }

  /** What depends on the player's state. */
  refresh() {
    press("play", !this.#player.paused, ["Play", "Pause"]);
    const playing = this.#player.state === "playing";
    byId("unmute").hidden = !(playing && this.#video.muted);
    const late = playing && this.#player.behind > 4;
    byId("edge").classList.toggle("late", late || this.#player.paused);
  }

  #toggle() {
    if (this.#player.paused) this.#player.resume();
    else this.#player.pause();
  }

  #sound() {
    const [video, slider] = [this.#video, byId("volume")];
    const kept = Number.parseFloat(remember("localStorage", "liveroom:volume"));
    video.volume = kept > 0 && kept <= 1 ? kept : 1;
    // The first click is the viewer's own: browsers let nothing else turn the sound on.
    byId("unmute").addEventListener("click", () => (video.muted = false));
    byId("mute").addEventListener("click", () => {
      video.muted = !video.muted;
      if (!video.muted && video.volume === 0) video.volume = 0.5;
    });
    slider.addEventListener("input", () => {
      video.volume = Number(slider.value);
      video.muted = video.volume === 0;
    });
    const shown = () => {
      slider.value = video.muted ? 0 : video.volume;
      press("mute", video.muted, ["Mute", "Unmute"]);
      if (!video.muted) remember("localStorage", "liveroom:volume", String(video.volume));
      this.refresh();
    };
    video.addEventListener("volumechange", shown);
    shown();
  }

  #bullets() {
    const [button, slider] = [byId("danmaku-toggle"), byId("danmaku-opacity")];
    const kept = remember("localStorage", "liveroom:danmaku");
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const set = (on) => {
      this.#danmaku.on = on;
      press("danmaku-toggle", on, ["Show bullet comments", "Hide bullet comments"]);
    };
    set(kept === null ? !calm : kept === "on");
    button.addEventListener("click", () => {
      set(!this.#danmaku.on);
      remember("localStorage", "liveroom:danmaku", this.#danmaku.on ? "on" : "off");
    });
    const opacity = Number.parseFloat(remember("localStorage", "liveroom:opacity"));
    slider.value = opacity >= 0.2 && opacity <= 1 ? opacity : 1;
    this.#danmaku.opacity = Number(slider.value);
    slider.addEventListener("input", () => {
      this.#danmaku.opacity = Number(slider.value);
      remember("localStorage", "liveroom:opacity", slider.value);
    });
  }

  async #fullscreen() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (this.#stage.requestFullscreen) await this.#stage.requestFullscreen().catch(() => {});
    else this.#video.webkitEnterFullscreen?.();
  }

  #wake() {
    this.#stage.classList.add("awake");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#sleep(), HIDE_MS);
  }

  #sleep() {
    const focused = this.#stage.querySelector(".controls :focus-visible");
    const open = this.#stage.querySelector("details[open]");
    if (focused || open || this.#player.paused) return;
    this.#stage.classList.remove("awake");
  }
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}

/** A button with two faces; its label says what a click does. */
function press(id, on, [off, label]) {
  const button = byId(id);
  button.classList.toggle("on", on);
  button.setAttribute("aria-label", on ? label : off);
  button.title = on ? label : off;
}
