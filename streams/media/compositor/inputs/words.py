"""What a decoder says on standard error, as far as it matters: which tracks the source has, how large its picture is and came out,
that the source became another one, and its last complaint. Pure; lines are bounded and hold no addresses when they are handed on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LONGEST: Final = 1000
_TRACK = re.compile(rb"\] *Stream #0:\d+\S*: (Video|Audio): (\w+)(.*)")
_SIZE = re.compile(rb", (\d{1,5})x(\d{1,5})\b")
_RATE = re.compile(rb", ([\d.]{1,7}) fps")
_SCALED = re.compile(rb"\[Parsed_scale_\d+ @ [^]]*\] \[verbose\] w:(\d+) h:(\d+) .*-> w:(\d+) h:(\d+) ")
_INPUT = re.compile(rb"\[graph[ _]\d+[ _]in(?:put from stream |_)\d+[:_]\d+ @ ")
_NEW = re.compile(rb"New (video|audio) stream")
_WRONG = re.compile(rb"\[(?:error|fatal)\] (.*)")
# Messages about single packets are no reason why a decoder ended.
_SMALL = re.compile(
    rb"non monoton|Application provided|corrupt|concealing|error while decoding|non-existing PPS|no frame"
)
_ADDRESS = re.compile(r"\w+://\S+|file:\S+")


@dataclass(frozen=True, slots=True)
class Tracks:
    """`fps`: 0 where it is not said."""

    pictures: bool = False
    sound: bool = False
    width: int = 0
    height: int = 0
    fps: float = 0.0


class Words:
    """Feed it what comes. `tracks`: None until they are told; `seen`: (width, height) of what of the box is picture; `has_changed`:
    the source has other tracks, or pictures or sound of another kind, than when it began; `was_late`: a track came after the look."""

    def __init__(self) -> None:
        self.tracks: Tracks | None = None
        self.seen: tuple[int, int] | None = None
        self.has_changed = self.was_late = False
        self.why = ""
        self._rest = b""
        self._found = Tracks()
        self._inputs: set[bytes] = set()

    def feed(self, data: bytes) -> None:
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LONGEST:]
        for line in lines:
            self._hear(line[:_LONGEST])

    def _hear(self, line: bytes) -> None:
        if self.tracks is None:
            if b"Stream mapping:" in line or b"matches no streams" in line:
                self.tracks = self._found
            elif found := _TRACK.search(line):
                self._track(found[1] == b"Video", found[2], found[3])
        if found := _SCALED.search(line):
            self.seen = int(found[3]), int(found[4])
        elif found := _INPUT.search(line):
            if found[0] in self._inputs:
                self.has_changed = True
            self._inputs.add(found[0])
        elif found := _NEW.search(line):
            known = self.tracks
            if known is not None and not (known.pictures if found[1] == b"video" else known.sound):
                self.has_changed = self.was_late = True
        elif (wrong := _WRONG.search(line)) and not _SMALL.search(line):
            self.why = _ADDRESS.sub("…", wrong[1].decode("utf-8", "replace")).strip()[:200]

    def _track(self, is_video: bool, codec: bytes, rest: bytes) -> None:
        found = self._found
        if codec == b"none" or b"attached pic" in rest:
            return
        if not is_video:
            self._found = Tracks(found.pictures, True, found.width, found.height, found.fps)
        elif not found.pictures:
            size, rate = _SIZE.search(rest), _RATE.search(rest)
            self._found = Tracks(
                pictures=True, sound=found.sound, width=int(size[1]) if size else 0, height=int(size[2]) if size else 0,
                fps=float(rate[1]) if rate and rate[1].count(b".") < 2 else 0.0,
            )  # fmt: skip
