/**
 * The ladder in the video element: hls.js changes rungs by itself or as it is told, the browser's own HLS by itself.
 *
 * An engine as in engines.js, and more: `rung` is what is shown ({ name, height }; null: not known yet), `choose(quality)`
 * answers whether it can do that without beginning anew.
 */

import { rungsOf } from "./quality.js";

// Segments are two seconds: two of them from the end is as near as a player of HLS may be.
const FROM_THE_END = 2;

export function openLadder({ video, play, quality, onFault }) {
  const { Hls } = globalThis;
  const hls = new Hls({
    liveSyncDurationCount: FROM_THE_END,
    maxLiveSyncPlaybackRate: 1.1,
    backBufferLength: 30,
    capLevelToPlayerSize: true,
    // The first look at the network is the last one's, if there was one.
    abrEwmaDefaultEstimate: 1_500_000,
    startLevel: -1,
  });
  let open = true;
  let alone = null;
  let repaired = false;
  const tell = (fault) => {
    if (open) onFault(fault);
    open = false;
  };
  const levelOf = (name) => hls.levels.findIndex((level) => level.name === name);
  hls.on(Hls.Events.ERROR, (_, { fatal, type, details, response }) => {
    if (!fatal) return;
    if (type === Hls.ErrorTypes.MEDIA_ERROR && !repaired) {
      repaired = true;
      hls.recoverMediaError();
    } else if (type === Hls.ErrorTypes.MEDIA_ERROR) tell({ kind: "media", message: details });
    else tell({ kind: response?.code === 403 ? "refused" : "ladder", status: response?.code ?? 0, message: details });
  });
  hls.on(Hls.Events.MANIFEST_PARSED, () => {
    const level = levelOf(quality);
    if (level >= 0) lock(hls, level);
  });
  // hls.js leaves out what has no picture; it is a playlist of its own.
  addressOf(play.ladder, quality).then((found) => {
    if (!open) return;
    alone = found.alone;
    hls.loadSource(found.address);
  });
  hls.attachMedia(video);
  return {
    name: "ladder",
    startedAt: Date.now(),
    chases: false,
    liveEdge: () => hls.liveSyncPosition ?? undefined,
    get date() {
      return hls.playingDate?.getTime() ?? null;
    },
    get delay() {
      return Number.isFinite(hls.latency) && hls.latency > 0 ? hls.latency : null;
    },
    get rung() {
      if (alone !== null) return alone;
      const level = hls.levels[hls.currentLevel >= 0 ? hls.currentLevel : hls.loadLevel];
      return level ? { name: level.name, height: Math.min(level.width, level.height) } : null;
    },
    choose(wanted) {
      const level = levelOf(wanted);
      if (alone !== null || (wanted !== "auto" && level < 0)) return false;
      lock(hls, wanted === "auto" ? -1 : level);
      return true;
    },
    close() {
      open = false;
      hls.destroy();
    },
  };
}

/** By itself never larger than the player; who asks for a rung gets it. */
function lock(hls, level) {
  hls.capLevelToPlayerSize = level < 0;
  if (level >= 0) hls.autoLevelCapping = -1;
  hls.nextLevel = level;
}

/** Where a quality of the ladder is: the whole ladder, or the playlist of a rung that has no picture. */
async function addressOf(ladder, quality) {
  const whole = { address: ladder, alone: null };
  if (quality === "auto") return whole;
  try {
    const answer = await fetch(ladder, { cache: "no-store" });
    const rung = answer.ok ? rungsOf(await answer.text()).find(({ name }) => name === quality) : undefined;
    if (rung?.height === 0) return { address: new URL(rung.address, ladder).href, alone: { name: rung.name, height: 0 } };
  } catch {
    // The player will say it.
  }
  return whole;
}
