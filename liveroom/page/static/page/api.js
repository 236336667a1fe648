/** REST calls of the page, in the viewer's name. What the server refuses is an error with its sentence. */

const SLOW_MS = 15_000;
const SLOWEST_MS = 600_000;

/** `status` 0: the server was not reached, or did not answer in time; nobody knows whether it acted. */
export class ApiError extends Error {
  constructor({ status = 0, kind = "", message = "", retryAfterMs = 0 }) {
    super(message || "The server cannot be reached. Check your connection and try again.");
    Object.assign(this, { status, kind, retryAfterMs });
  }

  /** Whether the same request may do better in a moment. */
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export class Api {
  #base;
  #session;
  #sdkappid;
  #password;

  /** `password()`: of the room, where it has one. */
  constructor({ api, sdkappid, session, password = () => "" }) {
    [this.#base, this.#session, this.#sdkappid, this.#password] = [api, session, sdkappid, password];
  }

  /** `kept`: the browser may answer from what it has, as long as the server said. */
  get(path, { kept = false } = {}) {
    return this.#call("GET", path, undefined, {}, kept ? "default" : "no-store");
  }

  /** A file as a blob, however long it takes. */
  file(path) {
    return this.#call("GET", path, undefined, {}, "no-store", { read: (answer) => answer.blob(), ms: SLOWEST_MS });
  }

  post(path, body, headers = {}) {
    return this.#call("POST", path, body, headers);
  }

  put(path, body) {
    return this.#call("PUT", path, body);
  }

  delete(path) {
    return this.#call("DELETE", path);
  }

  /** The decoded answer, null where there is none. Rejects with an ApiError. */
  async #call(method, path, body, more = {}, cache = "no-store", { read, ms = SLOW_MS } = {}) {
    const { usersig } = this.#session;
    // A guest's address says which app it means; a token says it itself.
    const query = this.#sdkappid && !usersig ? `${path.includes("?") ? "&" : "?"}sdkappid=${this.#sdkappid}` : "";
    const headers = { ...(usersig ? { authorization: `Bearer ${usersig}` } : {}), ...more };
    const password = this.#password();
    if (password) headers["room-password"] = password;
    if (body !== undefined) headers["content-type"] = "application/json";
    const sent = body === undefined ? undefined : JSON.stringify(body);
    let answer;
    let said;
    try {
      answer = await fetch(this.#base + path + query, { method, headers, body: sent, cache, signal: AbortSignal.timeout(ms) });
      said = answer.ok && read ? await read(answer) : await answer.json().catch(() => null);
    } catch {
      throw new ApiError({});
    }
    if (answer.ok) return said;
    const seconds = Number(answer.headers.get("retry-after")) || 0;
    throw new ApiError({
      status: answer.status,
      kind: said?.name ?? said?.kind ?? "",
      message: said?.detail ?? `The server answered ${answer.status}. Try again in a moment.`,
      retryAfterMs: said?.retry_after_ms ?? seconds * 1_000,
    });
  }
}

/** A name for one act, so that a retry is not a second one. randomUUID is for https pages only. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(36).padStart(2, "0")).join("");
}
