/** The desk's REST calls, with the session of whoever is logged in. What is refused is an error with the server's sentence. */

const SLOW_MS = 15_000;

/** `status` 0: the server was not reached. */
export class Refused extends Error {
  constructor(status, message) {
    super(message || "The server does not answer. What you did last may not have happened.");
    this.status = status;
  }
}

export class Api {
  #base;
  #mix;
  #query;
  #token;

  constructor({ mix, sdkappid, token }) {
    const name = encodeURIComponent(mix);
    [this.#base, this.#mix] = [`/api/v1/director/${name}`, `/api/v1/mixes/${name}`];
    [this.#query, this.#token] = [`sdkappid=${sdkappid}`, token];
  }

  state() {
    return this.#call("GET", "", undefined, "&meters=false");
  }

  /** Of the preview: places, background, or the name of a layout. */
  prepare(change) {
    return this.#call("PATCH", "/preview", change);
  }

  take(transition, ms) {
    return this.#call("POST", "/take", transition === "fade" ? { transition, ms } : { transition });
  }

  cut(input) {
    return this.#call("POST", "/cut", { input });
  }

  /** `{ master_db }`, or of inputs: `{ inputs: [{ id, gain_db, muted, duck, auto_gain }] }`. */
  audio(change) {
    return this.#call("PATCH", "/audio", change);
  }

  addOverlay(overlay) {
    return this.#call("POST", "/overlays", overlay);
  }

  changeOverlay(id, change) {
    return this.#call("PATCH", `/overlays/${encodeURIComponent(id)}`, change);
  }

  removeOverlay(id) {
    return this.#call("DELETE", `/overlays/${encodeURIComponent(id)}`);
  }

  showComment(comment) {
    return this.#call("POST", "/comment", comment);
  }

  hideComment() {
    return this.#call("DELETE", "/comment");
  }

  /** Other inputs, as the mix takes them. */
  async setInputs(inputs) {
    await this.#call("PATCH", "", { inputs }, "", this.#mix);
    return this.state();
  }

  /** Whether the room's comments run over the picture. */
  async runComments(on) {
    await this.#call("PATCH", "", { comments: on }, "", this.#mix);
    return this.state();
  }

  async #call(method, path, body, more = "", base = this.#base) {
    let answer;
    let said;
    try {
      answer = await fetch(`${base}${path}?${this.#query}${more}`, {
        method,
        headers: { "X-CSRFToken": this.#token, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: "no-store",
        signal: AbortSignal.timeout(SLOW_MS),
      });
      said = await answer.json().catch(() => null);
    } catch {
      throw new Refused(0, "");
    }
    if (answer.ok) return said;
    throw new Refused(answer.status, said?.detail ?? `The server answered ${answer.status}. Try again in a moment.`);
  }
}
