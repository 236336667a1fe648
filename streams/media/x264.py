"""How a rung is encoded: by preset, by what is seen in the picture, by its pictures a second. Pure; figures from `--bench ladder`.

All presets code to a quality (`crf`) and never above the rung's bitrate (`maxrate`, a buffer of one second): scenes that are easy cost
less, those that are not are capped. *fast* is the least work; *top_speed* works more for each picture, at a lower cap, with settings
chosen for what is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Of the bitrate that was asked for: top_speed needs no more for what `fast` shows with all of it (streams/ladder/README.md).
CAP: Final = {"fast": 1.0, "balanced": 0.9, "top_speed": 0.75}
_SPEED: Final = {"fast": "superfast", "balanced": "veryfast", "top_speed": "medium"}
_QUALITY: Final = {"fast": 22.0, "balanced": 22.5, "top_speed": 23.0}
# Fewer pictures a second than this, and what an encoder keeps back for its look ahead is seconds of delay.
_SLOW_FPS: Final = 8.0
_LOOKAHEAD_SECONDS: Final = 0.8
_SMALL_PIXELS: Final = 900 * 506


@dataclass(frozen=True, slots=True)
class Coding:
    """`content`: unknown, natural, screen or animation."""

    preset: str
    content: str
    fps: float
    bitrate_kbps: int
    pixels: int = 0


def cap_kbps(coding: Coding) -> int:
    return max(1, round(coding.bitrate_kbps * CAP[coding.preset]))


def settings(coding: Coding) -> dict[str, str]:
    """Options of one video stream, by their names without the stream's number."""
    cap = cap_kbps(coding)
    found = {
        "preset": _SPEED[coding.preset],
        "crf": f"{_QUALITY[coding.preset]:g}",
        "maxrate": f"{cap}k",
        "bufsize": f"{cap}k",
        "profile": "high",
        # Each thread keeps a picture back; small pictures gain little by more.
        "threads": "2" if coding.pixels <= _SMALL_PIXELS else "4",
    }
    params: dict[str, str] = {"scenecut": "0", "open-gop": "0"}
    if coding.preset == "top_speed":
        params |= _ADAPTED.get(coding.content, _ADAPTED["natural"])
        params["rc-lookahead"] = str(max(0, min(40, round(coding.fps * _LOOKAHEAD_SECONDS))))
    if coding.fps < _SLOW_FPS:
        params |= {"rc-lookahead": "0", "sync-lookahead": "0", "bframes": "0", "mbtree": "0", "sliced-threads": "1"}
    found["x264-params"] = ":".join(f"{name}={value}" for name, value in params.items())
    return found


# Compared by --bench ladder at equal SSIM. A camera: little psycho-visual noise, more pictures between. A screen: no softening, edges
# get more of the bits. Flat drawings: softened, and less for surfaces.
_ADAPTED: Final[dict[str, dict[str, str]]] = {
    "natural": {"psy-rd": "0.4,0", "aq-strength": "0.8", "bframes": "5"},
    "screen": {"psy-rd": "1.0,0.2", "aq-strength": "1.2", "deblock": "-3,-3"},
    "animation": {"psy-rd": "0.4,0", "aq-strength": "0.6", "bframes": "5", "deblock": "1,1"},
}
