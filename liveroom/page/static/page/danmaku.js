/**
 * Bullet comments: they fly over the picture in lanes, and none runs into the one before it.
 *
 * The number on screen is bounded. Where no lane is free a comment waits two seconds at most and is left out then: the
 * list beside the picture has it anyway. Who asked for less motion sees them stand still.
 */

const CROSS_MS = 8_000;
const STAY_MS = 4_000;
const WAIT_MS = 2_000;
const GAP_PX = 24;
const MOST_WAITING = 40;
const MOST_CHARACTERS = 100;
const COLOUR = /^#[0-9a-f]{6}$/i;

/** A colour that can be read on a dark edge, or white. Anything but #rrggbb is white. */
export function readableColour(colour) {
  if (typeof colour !== "string" || !COLOUR.test(colour)) return "#ffffff";
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b < 60 ? "#ffffff" : colour;
}

/** One line without controls and direction overrides; long ones are cut, not the reader's patience. */
export function oneLine(text) {
  const line = String(text).replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\s]+/gu, " ").trim();
  const characters = [...line];
  return characters.length > MOST_CHARACTERS ? `${characters.slice(0, MOST_CHARACTERS).join("")}…` : line;
}

/** Whether a comment of this width may start in the lane at `now`: its tail is in, and it is not caught up with. */
export function laneIsFree(last, { width, stage, now }) {
  if (last === undefined || now >= last.startedAt + CROSS_MS) return true;
  const speed = (stage + last.width) / CROSS_MS;
  const tailIn = (now - last.startedAt) * speed >= last.width + GAP_PX;
  const own = (stage + width) / CROSS_MS;
  const reaches = now + stage / own;
  return tailIn && reaches >= last.startedAt + CROSS_MS;
}

export class Danmaku {
  #layer;
  #still;
  #now;
  #lanes = { scroll: [], top: [], bottom: [] };
  #flying = new Set();
  #waiting = [];
  #timer = 0;
  #on = true;
  #heldAt = null;
  #heldMs = 0;

  constructor({ layer, still = matchMedia("(prefers-reduced-motion: reduce)"), now = () => performance.now() }) {
    this.#layer = layer;
    this.#still = still;
    this.#now = () => (this.#heldAt ?? now()) - this.#heldMs;
  }

  /** Everything stands where it is, as the picture of a recording does that is paused. */
  set held(held) {
    if (held === (this.#heldAt !== null)) return;
    for (const flight of this.#layer.getAnimations({ subtree: true })) {
      if (held) flight.pause();
      else flight.play();
    }
    const now = this.#now();
    this.#heldAt = null;
    if (held) this.#heldAt = now + this.#heldMs;
    else this.#heldMs += this.#now() - now;
  }

  get on() {
    return this.#on;
  }

  set on(on) {
    this.#on = on;
    this.#layer.hidden = !on;
    if (!on) this.clear();
  }

  set opacity(opacity) {
    this.#layer.style.opacity = String(Math.min(1, Math.max(0.1, opacity)));
  }

  /** How many are on screen. */
  get size() {
    return this.#flying.size;
  }

  clear() {
    for (const bullet of this.#flying) bullet.remove();
    this.#flying.clear();
    this.#waiting = [];
    this.#lanes = { scroll: [], top: [], bottom: [] };
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  /** `own` ones are framed and never left out. Nothing is kept for a page that nobody looks at. */
  add({ text, color, position = "scroll", own = false }) {
    const line = oneLine(text);
    if (!this.#on || document.hidden || line === "") return;
    const bullet = { line, color: readableColour(color), position, own, until: this.#now() + WAIT_MS };
    if (!this.#place(bullet)) {
      this.#waiting.push(bullet);
      if (this.#waiting.length > MOST_WAITING) {
        const drop = this.#waiting.findIndex((one) => !one.own);
        this.#waiting.splice(Math.max(0, drop), 1);
      }
      this.#timer ||= setTimeout(() => this.#again(), 200);
    }
  }

  #again() {
    this.#timer = 0;
    if (this.#heldAt !== null) {
      this.#timer = setTimeout(() => this.#again(), 200);
      return;
    }
    const now = this.#now();
    this.#waiting = this.#waiting.filter((bullet) => !this.#place(bullet, now > bullet.until) && now <= bullet.until);
    if (this.#waiting.length) this.#timer = setTimeout(() => this.#again(), 200);
  }

  /** False where it has to wait. `last`: its time is over; own comments then take the first lane. */
  #place(bullet, last = false) {
    const { clientWidth: stage, clientHeight: height } = this.#layer;
    if (stage === 0 || height === 0) return true;
    const most = Math.round(Math.min(70, Math.max(16, (stage * height) / 9_000)));
    if (this.#flying.size >= most && !bullet.own) return false;
    const node = this.#node(bullet);
    this.#layer.append(node);
    const [width, line] = [node.offsetWidth, node.offsetHeight];
    const moves = bullet.position !== "top" && bullet.position !== "bottom" && !this.#still.matches;
    const kind = moves ? "scroll" : bullet.position === "bottom" ? "bottom" : "top";
    const lane = this.#lane({ kind, width, stage, lines: Math.max(1, Math.floor((height * (moves ? 0.75 : 0.4)) / line)) });
    if (lane < 0 && !(bullet.own && last)) {
      node.remove();
      return false;
    }
    const at = Math.max(0, lane);
    this.#lanes[kind][at] = { startedAt: this.#now(), width };
    node.style[kind === "bottom" ? "bottom" : "top"] = `${at * line}px`;
    this.#fly(node, { moves, width, stage });
    return true;
  }

  #lane({ kind, width, stage, lines }) {
    const now = this.#now();
    const still = (side, lane) => now < (this.#lanes[side][lane]?.startedAt ?? -Infinity) + STAY_MS;
    const flies = (lane) => now < (this.#lanes.scroll[lane]?.startedAt ?? -Infinity) + CROSS_MS;
    const lanes = Array.from({ length: lines }, (_, lane) => lane);
    if (kind === "scroll") {
      return lanes.findIndex((lane) => !still("top", lane) && laneIsFree(this.#lanes.scroll[lane], { width, stage, now }));
    }
    // Those that stand still look for a lane of their own first, then for one where only flying ones pass behind.
    const own = kind === "top" ? lanes.findIndex((lane) => !still("top", lane) && !flies(lane)) : -1;
    return own >= 0 ? own : lanes.findIndex((lane) => !still(kind, lane));
  }

  #node({ line, color, own }) {
    const node = document.createElement("span");
    node.className = own ? "bullet own" : "bullet";
    node.dir = "auto";
    node.textContent = line;
    node.style.color = color;
    return node;
  }

  #fly(node, { moves, width, stage }) {
    this.#flying.add(node);
    const path = moves
      ? [{ transform: `translateX(${stage}px)` }, { transform: `translateX(${-width}px)` }]
      : [{ opacity: 1, offset: 0 }, { opacity: 1, offset: 0.9 }, { opacity: 0, offset: 1 }];
    if (!moves) node.classList.add("still");
    const flight = node.animate(path, { duration: moves ? CROSS_MS : STAY_MS, fill: "both" });
    flight.onfinish = flight.oncancel = () => {
      this.#flying.delete(node);
      node.remove();
    };
  }
}
