/**
 * The ways to get a picture into the video element, in the order in which they are tried.
 *
 * An engine is { name, startedAt, chases, liveEdge?(), delay?, close() }; `delay` in seconds, null: not known yet. What goes wrong is told once by
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

/**
 * Names of the engines that may play these addresses here, the shortest delay first. `ladder`: rungs are wanted; `way`: the one that
 * the viewer chose by hand, if it can be had. The browser's own HLS shows the source with parts only where HTTP/2 brings them.
 */
export function usableEngines(play, { ladder = false, way = "auto" } = {}) {
  const sources = "MediaSource" in globalThis || "ManagedMediaSource" in globalThis;
  const native = document.createElement("video").canPlayType("application/vnd.apple.mpegurl") !== "";
  const all = [
    ...(play.flv && sources ? ["flv"] : []),
    ...(play.ll_hls && sources ? ["ll"] : []),
    ...(play.hls && sources ? ["hls"] : []),
    ...(play.ll_hls && native && location.protocol === "https:" && !(ladder && play.ladder) ? ["native-ll"] : []),
    ...(play.hls && native ? ["native"] : []),
  ];
  const chosen = all.includes(way) ? [way] : all;
  return [...(ladder && play.ladder && sources ? ["ladder"] : []), ...chosen];
}

/** Fetches what the engine needs; the answer opens it. Rejects with Unsupported, or because a file did not load. */
export async function fetchEngine(name, vendor) {
  if (name === "flv") {
    await script(vendor.mpegts);
    if (!globalThis.mpegts.isSupported()) throw new Unsupported(name);
    return openFlv;
  }
  if (name === "hls" || name === "ll" || name === "ladder") {
    await script(vendor.hls);
    if (!globalThis.Hls.isSupported()) throw new Unsupported(name);
    return { hls: openHls, ll: openLowDelay, ladder: openLadder }[name];
  }
  return name === "native" ? openNative : (given) => openNative(given, given.play.ll_hls);
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

function openHls(given) {
  return openPlaylist("hls", given.play.hls, given, { backBufferLength: 30, maxLiveSyncPlaybackRate: 1.1 });
}

/** Parts of a fifth of a second; as near to the end as the playlist says, a second further away after each stall. */
function openLowDelay(given) {
  return openPlaylist("ll", given.play.ll_hls, given, {
    lowLatencyMode: true,
    backBufferLength: 15,
    maxLiveSyncPlaybackRate: 1.15,
    liveSyncOnStallIncrease: 0.5,
  });
}

function openPlaylist(name, address, { video, onFault }, config) {
  const { Hls } = globalThis;
  const hls = new Hls(config);
  const tell = once(onFault);
  const over = () => tell({ kind: "ended" });
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
  video.addEventListener("ended", over);
  hls.loadSource(address);
  hls.attachMedia(video);
  return {
    name,
    startedAt: Date.now(),
    chases: name === "ll",
    liveEdge: () => hls.liveSyncPosition ?? undefined,
    get date() {
      return hls.playingDate?.getTime() ?? null;
    },
    get delay() {
      return Number.isFinite(hls.latency) && hls.latency > 0 ? hls.latency : null;
    },
    close() {
      tell.off();
      video.removeEventListener("ended", over);
      hls.destroy();
    },
  };
}

function openNative({ video, play, onFault }, address = play.ladder ?? play.hls) {
  const tell = once(onFault);
  const failed = () => {
    const media = video.error?.code === 3 || video.error?.code === 4;
    tell({ kind: media ? "media" : "network", message: video.error?.message ?? "" });
  };
  video.addEventListener("error", failed);
  // This one changes rungs of a ladder by itself.
  video.src = address;
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
