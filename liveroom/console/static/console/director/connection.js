/**
 * The desk's line to the mix: a WebSocket at a signed address that is good for two minutes. Before it is over, a new one is
 * opened beside it, so that nothing stands still; a broken one comes back by itself.
 */

const EARLY_MS = 15_000;
const AGAIN_MS = [300, 1_000, 2_000, 4_000, 8_000];

export class Connection {
  #hear;
  #fresh;
  #state;
  #socket = null;
  #failures = 0;
  #timer = 0;

  /** `fresh()`: { url, expires_in_ms }, or null where it may not be heard; `hear(frame)`: each frame; `state(open)`. */
  constructor({ fresh, hear, state }) {
    [this.#fresh, this.#hear, this.#state] = [fresh, hear, state];
  }

  async open() {
    clearTimeout(this.#timer);
    let address;
    try {
      address = await this.#fresh();
    } catch {
      this.#later();
      return;
    }
    if (address === null) return;
    const url = new URL(address.url, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    const old = this.#socket;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (this.#socket !== socket) return;
      if (old && old.readyState === WebSocket.OPEN) old.close();
      const frame = JSON.parse(data);
      this.#hear(frame);
      // Pictures are sent as fast as they are taken, and no faster; hardly any to a page that nobody sees.
      if (frame.type === "pictures" && !document.hidden) socket.send("ok");
    });
    socket.addEventListener("open", () => {
      this.#failures = 0;
      this.#state(true);
      this.#timer = setTimeout(() => this.open(), Math.max(2_000, address.expires_in_ms - EARLY_MS));
    });
    socket.addEventListener("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#state(false);
      this.#later();
    });
  }

  #later() {
    clearTimeout(this.#timer);
    const wait = AGAIN_MS[Math.min(this.#failures, AGAIN_MS.length - 1)];
    this.#failures += 1;
    this.#timer = setTimeout(() => this.open(), wait);
  }
}
