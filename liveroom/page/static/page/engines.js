/**
 * The ways to get a picture into the video element, in the order in which they are tried.
 *
 * An engine is { name, startedAt, chases, liveEdge?(), close() }. What goes wrong is told once by
 * `onFault({ kind: "network" | "ended" | "refused" | "media", status, message })`; the engine is useless then.
 */

import { openLadder } from "./ladder-engine.js";

const loading = new Map();

/** The players are classic scripts; each is fetched when it is needed first. */
export function script(address) {
  if (!loading.has(address)) {
    const loaded = new Promise((resolve, reject) => {
      const tag = document.createElement("script");
      tag.src = address;
      tag.onload = resolve;
      tag.onerror = () => {
        loading.delete(address);
        tag.remove();
        reject(new Error(`${address} did not load`));
      };
      document.head.append(tag);
    });
    loading.set(address, loaded);
  }
  return loading.get(address);
}

/** This browser cannot run that engine at all; another may do. */
export class Unsupported extends Error {}

/** Names of the engines that may play these addresses here, best first. `ladder`: rungs are wanted. */
export function usableEngines(play, { ladder = false } = {}) {
  const sources = "MediaSource" in globalThis || "ManagedMediaSource" in globalThis;
  const native = document.createElement("video").canPlayType("application/vnd.apple.mpegurl") !== "";
  return [
    ...(ladder && play.ladder && sources ? ["ladder"] : []),
    ...(play.flv && sources ? ["flv"] : []),
    ...(play.hls && sources ? ["hls"] : []),
    ...(play.hls && native ? ["native"] : []),
  ];
}

/** Fetches what the engine needs; the answer opens it. Rejects with Unsupported, or because a file did not load. */
export async function fetchEngine(name, vendor) {
  if (name === "flv") {
    await script(vendor.mpegts);
    if (!globalThis.mpegts.isSupported()) throw new Unsupported(name);
    return openFlv;
  }
  if (name === "hls" || name === "ladder") {
    await script(vendor.hls);
    if (!globalThis.Hls.isSupported()) throw new Unsupported(name);
    return name === "hls" ? openHls : openLadder;
  }
  return openNative;
}

/** Why an address is refused: { name, detail } in the server's words; both empty if it is not, or if nobody says. */
export async function refusalOf(address) {
  const stop = new AbortController();
  const nobody = { name: "", detail: "" };
  try {
    const answer = await fetch(address, { signal: stop.signal, cache: "no-store" });
    if (answer.ok || !/json/.test(answer.headers.get("content-type") ?? "")) return nobody;
    const { name = "", detail = "" } = await answer.json();
    return { name: String(name), detail: String(detail) };
  } catch {
    return nobody;
  } finally {
    stop.abort();
  }
}

function openFlv({ video, play, onFault }) {
  const { mpegts } = globalThis;
  mpegts.LoggingControl.applyConfig({ enableAll: false, enableError: false });
  const player = mpegts.createPlayer(
    { type: "flv", isLive: true, cors: true, url: play.flv },
    {
      enableWorker: true,
      enableStashBuffer: false,
      lazyLoad: false,
      deferLoadAfterSourceOpen: false,
      autoCleanupSourceBuffer: true,
      autoCleanupMaxBackwardDuration: 30,
      autoCleanupMinBackwardDuration: 15,
      // A little faster until it is near again; a jump would be seen.
      liveSync: true,
      liveSyncMaxLatency: 1.0,
      liveSyncTargetLatency: 0.6,
      liveSyncPlaybackRate: 1.15,
    },
  );
  const tell = once(onFault);
  player.on(mpegts.Events.ERROR, (type, detail, info) => {
    const message = info?.msg ?? String(detail);
    if (type === mpegts.ErrorTypes.MEDIA_ERROR) tell({ kind: "media", message });
    else if (detail === mpegts.ErrorDetails.NETWORK_STATUS_CODE_INVALID) {
      tell({ kind: "refused", status: info?.code ?? 0, message });
    } else tell({ kind: "network", message });
  });
  player.on(mpegts.Events.LOADING_COMPLETE, () => tell({ kind: "ended" }));
  player.attachMediaElement(video);
  player.load();
  return {
    name: "flv",
    startedAt: Date.now(),
    chases: true,
    close() {
      tell.off();
      player.destroy();
    },
  };
}

function openHls({ video, play, onFault }) {
  const { Hls } = globalThis;
  const hls = new Hls({ lowLatencyMode: true, backBufferLength: 30, maxLiveSyncPlaybackRate: 1.1 });
  const tell = once(onFault);
  let repaired = false;
  hls.on(Hls.Events.ERROR, (_, { fatal, type, details, response }) => {
    if (!fatal) return;
    if (type === Hls.ErrorTypes.MEDIA_ERROR && !repaired) {
      repaired = true;
      hls.recoverMediaError();
    } else if (type === Hls.ErrorTypes.MEDIA_ERROR) tell({ kind: "media", message: details });
    else if (response?.code >= 400) tell({ kind: "refused", status: response.code, message: response.text ?? details });
    else tell({ kind: "network", message: details });
  });
  hls.loadSource(play.hls);
  hls.attachMedia(video);
  return {
    name: "hls",
    startedAt: Date.now(),
    chases: false,
    liveEdge: () => hls.liveSyncPosition ?? undefined,
    get date() {
      return hls.playingDate?.getTime() ?? null;
    },
    close() {
      tell.off();
      hls.destroy();
    },
  };
}

function openNative({ video, play, onFault }) {
  const tell = once(onFault);
  const failed = () => {
    const media = video.error?.code === 3 || video.error?.code === 4;
    tell({ kind: media ? "media" : "network", message: video.error?.message ?? "" });
  };
  video.addEventListener("error", failed);
  // This one changes rungs by itself.
  video.src = play.ladder ?? play.hls;
  return {
    name: "native",
    startedAt: Date.now(),
    chases: false,
    close() {
      tell.off();
      video.removeEventListener("error", failed);
      video.removeAttribute("src");
      video.load();
    },
  };
}

function once(listener) {
  let open = true;
  const tell = (fault) => {
    if (!open) return;
    open = false;
    listener(fault);
  };
  tell.off = () => (open = false);
  return tell;
}
