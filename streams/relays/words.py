"""What ffmpeg says of a source, and of why a relay broke, in words for people. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_TRACK = re.compile(r"Stream #\d+:\d+(?:\[\w+\])?(?:\(\w+\))?: (Video|Audio): (\w+)")
_RATE = re.compile(r"(\d+) Hz")
# What every player takes inside FLV.
_PICTURES: Final = frozenset({"h264"})
_SOUNDS: Final = frozenset({"aac", "mp3"})
_MP3_RATES: Final = frozenset({11025, 22050, 44100, 48000})
_NAMES: Final = {
    "hevc": "H.265 (HEVC)",
    "av1": "AV1",
    "vp9": "VP9",
    "vp8": "VP8",
    "mpeg2video": "MPEG-2",
    "mpeg4": "MPEG-4 Part 2",
}

NOTHING = "The source has neither pictures nor sound."


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at a source found. `refusal`: why it cannot be relayed, ""; `new_sound`: its sound has to be made AAC."""

    picture: str = ""
    sound: str = ""
    refusal: str = ""
    new_sound: bool = False


def found_in(lines: Sequence[str]) -> Found | None:
    """Read from the log of a look; None: it did not come so far."""
    start = next((at for at, line in enumerate(lines) if line.startswith("Output #0")), None)
    if start is None:
        return Found(refusal=NOTHING) if any("does not contain any stream" in line for line in lines) else None
    picture = sound = ""
    rate = 0
    for line in lines[start:]:
        track = _TRACK.search(line)
        if track is None:
            continue
        if track[1] == "Video":
            picture = picture or track[2]
        elif not sound:
            sound = track[2]
            said = _RATE.search(line)
            rate = int(said[1]) if said else 0
    if not picture and not sound:
        return Found(refusal=NOTHING)
    if picture and picture not in _PICTURES:
        name = _NAMES.get(picture, picture)
        return Found(
            picture=picture, sound=sound,
            refusal=f"The source's picture is {name}; only H.264 is carried. Choose another quality or format of the source.",
        )  # fmt: skip
    new_sound = bool(sound) and (sound not in _SOUNDS or (sound == "mp3" and rate not in _MP3_RATES))
    return Found(picture=picture, sound=sound, new_sound=new_sound)


_FAULTS: Final = (
    ("Connection refused", "nobody listens there"),
    ("timed out", "no answer in time"),
    ("Name or service not known", "there is no host of that name"),
    ("Server returned 404", "it is not there (404)"),
    ("Server returned 403", "it is forbidden (403)"),
    ("Server returned 401", "it asks for a login (401)"),
    ("Server returned 4", "the request is refused there (4xx)"),
    ("Server returned 5", "the server there fails (5xx)"),
    ("not in whitelist", "it leads to something that is not read here"),
    ("Invalid data found", "what comes from there is no picture or sound that is known here"),
    ("Unknown input format", "what comes from there is no picture or sound that is known here"),
    ("Cannot read RTMP handshake", "what answers there speaks no RTMP"),
    ("Server error", "the server there refuses it"),
    ("Broken pipe", "the connection was cut there"),
    ("Connection reset", "the connection was cut there"),
    ("Input/output error", "the connection was refused or cut there"),
    ("End of file", "the connection was closed there"),
)


def told_by_guard(lines: Sequence[str]) -> str:
    """Why the way out did not lead there (streams/egress): whole sentences, behind what ffmpeg said; ""."""
    last = lines[-1] if lines else ""
    return last if last.endswith(".") and not last.startswith("[") else ""


def fault_in(lines: Sequence[str]) -> str:
    """What is wrong on the other side, as a part of a sentence; "": no line tells."""
    for line in reversed(lines):
        for sign, words in _FAULTS:
            if sign in line:
                return words
    return ""
