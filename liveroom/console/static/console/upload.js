// A film on its way to the server: announced once, sent in pieces, gone on with where the server says it is. As much of tus 1.0.0 as a
// page needs; the other side is streams/files/api.py. What was begun is remembered in this browser, by the file's name, size and date.

const PIECE_BYTES = 16 * 1024 * 1024;
const WAITS_MS = [500, 1000, 2000, 5000, 10_000, 20_000];
const TUS = { "Tus-Resumable": "1.0.0" };

/** The server says no, and why: trying again changes nothing. */
export class Refused extends Error {}

/** It cannot be said now: the connection, or the server, is away for a moment. */
class Away extends Error {
  constructor(why, afterMs = 0) {
    super(why);
    this.afterMs = afterMs;
  }
}

const toBase64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

async function words(answer) {
  try {
    return (await answer.json()).detail;
  } catch {
    return `The server answered ${answer.status}.`;
  }
}

export class Upload {
  #file; #about; #token; #progressed; #request = null; #stopped = false; #place;

  /** `about`: {room, sdkappid}; `token`: the page's CSRF token; `progressed(id, bytes)`. */
  constructor({ file, about, token, progressed }) {
    [this.#file, this.#about, this.#token, this.#progressed] = [file, about, token, progressed];
    this.#place = ["lr-upload", about.sdkappid, about.room, file.name, file.size, file.lastModified].join(":");
    this.id = null;
  }

  /** Until the last byte has arrived. Refused; an upload that was stopped ends without a word. */
  async run() {
    let misses = 0;
    let offset = null;
    while (!this.#stopped) {
      try {
        if (this.id === null) await this.#begin();
        if (offset === null) offset = await this.#where();
        this.#progressed(this.id, offset);
        if (offset >= this.#file.size) return this.#forget();
        offset = await this.#send(offset);
        misses = 0;
      } catch (error) {
        if (this.#stopped) return;
        if (!(error instanceof Away)) throw error;
        offset = null;
        const waitMs = error.afterMs || WAITS_MS[Math.min(misses, WAITS_MS.length - 1)];
        misses += 1;
        await new Promise((done) => { setTimeout(done, waitMs); });
      }
    }
  }

  /** Now, in the middle of a piece; what arrived stays. */
  stop() {
    this.#stopped = true;
    this.#request?.abort();
  }

  #forget() {
    localStorage.removeItem(this.#place);
  }

  async #begin() {
    const known = localStorage.getItem(this.#place);
    if (known) {
      this.id = known;
      return;
    }
    const answer = await this.#ask("POST", `/api/v1/files?${new URLSearchParams(this.#about)}`, {
      "Upload-Length": String(this.#file.size),
      "Upload-Metadata": `filename ${toBase64(this.#file.name)}`,
    });
    this.id = (await answer.json()).id;
    localStorage.setItem(this.#place, this.id);
  }

  /** Where to go on. One that the server has forgotten is begun again. */
  async #where() {
    const answer = await this.#ask("HEAD", this.#address, {}, [404, 410]);
    if (answer.ok) return Number(answer.headers.get("Upload-Offset"));
    this.#forget();
    this.id = null;
    throw new Away("It is begun again.", 100);
  }

  get #address() {
    return `/api/v1/files/${encodeURIComponent(this.id)}?${new URLSearchParams({ sdkappid: this.#about.sdkappid })}`;
  }

  async #ask(method, url, headers, expected = []) {
    let answer;
    try {
      answer = await fetch(url, { method, headers: { ...TUS, "X-CSRFToken": this.#token, ...headers } });
    } catch {
      throw new Away("The server cannot be reached.");
    }
    if (answer.ok || expected.includes(answer.status)) return answer;
    if (answer.status >= 500 && answer.status !== 507) throw new Away("The server is away.");
    if (answer.status === 429) throw new Away("Too often.", Number(answer.headers.get("Retry-After") || 1) * 1000);
    throw new Refused(await words(answer));
  }

  /** One piece; fetch tells no progress of what it sends. The new offset. */
  #send(offset) {
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      this.#request = request;
      request.open("PATCH", this.#address);
      const headers = { ...TUS, "X-CSRFToken": this.#token, "Upload-Offset": String(offset) };
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.setRequestHeader("Content-Type", "application/offset+octet-stream");
      request.upload.onprogress = (event) => this.#progressed(this.id, offset + event.loaded);
      request.onload = () => {
        if (request.status === 204) done(Number(request.getResponseHeader("Upload-Offset")));
        // Another page sends it, it is elsewhere by now, or the server is starting again: ask where to go on.
        else if ([404, 409, 410, 423, 429, 460].includes(request.status) || request.status >= 500) failed(new Away("again"));
        else failed(new Refused(detail(request)));
      };
      request.onerror = () => failed(new Away("The connection broke."));
      request.onabort = request.onerror;
      request.send(this.#file.slice(offset, offset + PIECE_BYTES));
    });
  }
}

function detail(request) {
  try {
    return JSON.parse(request.responseText).detail;
  } catch {
    return `The server answered ${request.status}.`;
  }
}
