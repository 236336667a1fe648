"""The number in a file: ffmpeg decodes it in a child that is bounded, here it is looked for.

Promise: a number that is returned has a checksum of 24 bits that fits, and fits the pictures better than noise does; None otherwise.
The file is anybody's: it is opened as what its first bytes are, and nothing else is opened on its behalf."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from streams.egress.uploads import HEAD_BYTES, NotMedia, as_input, before_input
from streams.media.graphs.marking import MarkLook, mark_look
from streams.media.marking.finding import LINES, Found, find
from streams.media.marking.looking import FPS, PERIOD, WINDOW, Looker

_LONGEST_SIDE: Final = 960
_CPU_SECONDS: Final = 3600
_MEMORY_BYTES: Final = 2 * 1024**3
# After so many periods it is looked for (10 s); thoroughly where the window is full, and at the end.
_EVERY: Final = 7
_THOROUGH_EVERY: Final = 14
_LEAST_PERIODS: Final = 2
_PERIOD_SECONDS: Final = float(PERIOD / FPS)


class Unreadable(Exception):
    """The file has no pictures that could be decoded. The text is for people."""


@dataclass(frozen=True, slots=True)
class Reading:
    """`found`: None where there is no mark. `seconds`: so much of the file was looked at."""

    found: Found | None
    seconds: float


def read_mark(path: Path, *, seconds: float, told: Callable[[float], None] = lambda _: None) -> Reading:
    """Looks at the first `seconds`, no further than where it finds a mark. `told` hears how far it is. Unreadable."""
    looker, settled = Looker(), 0
    for frame in _frames(path.resolve(), seconds=seconds):
        if not looker.hear(frame):
            continue
        told(looker.periods * _PERIOD_SECONDS)
        if looker.periods % _EVERY:
            continue
        thorough = looker.periods >= WINDOW and (looker.periods - WINDOW) % _THOROUGH_EVERY == 0
        found = find(looker.looked_at, thorough=thorough)
        if found is not None:
            return Reading(found, looker.periods * _PERIOD_SECONDS)
        settled = looker.periods if thorough else settled
    found = None
    if looker.periods >= _LEAST_PERIODS and settled != looker.periods:
        found = find(looker.looked_at, thorough=True)
    return Reading(found, looker.periods * _PERIOD_SECONDS)


def _frames(path: Path, *, seconds: float) -> Iterator[NDArray[np.uint8]]:
    """Grey pictures, FPS a second. Unreadable: none came."""
    try:
        with path.open("rb") as file:
            before = before_input(file.read(HEAD_BYTES))
    except OSError as error:
        raise Unreadable(f"It cannot be opened: {error.strerror}.") from None
    except NotMedia as error:
        raise Unreadable(str(error)) from None
    look = MarkLook(
        source=as_input(path), before_input=before, lines=LINES, most=_LONGEST_SIDE, fps=str(FPS), seconds=seconds
    )
    bounds = ["setpriv", "--pdeathsig", "KILL", "nice", "-n", "10", "prlimit", f"--cpu={_CPU_SECONDS}",
              f"--as={_MEMORY_BYTES}", "--fsize=0", "--core=0"]  # fmt: skip
    child = subprocess.Popen(
        [*bounds, *mark_look(look)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    came = False
    try:
        for frame in _pictures(child.stdout) if child.stdout else ():
            came = True
            yield frame
    finally:
        child.kill()
        child.communicate()
    if not came:
        raise Unreadable("There is no picture in it that could be decoded.")


def _pictures(stream: IO[bytes]) -> Iterator[NDArray[np.uint8]]:
    """Of a YUV4MPEG stream of grey pictures, as our own child writes it."""
    head = stream.readline(200).split()
    sizes = {word[:1]: word[1:] for word in head[1:]}
    if head[:1] != [b"YUV4MPEG2"]:
        return
    width, height = int(sizes[b"W"]), int(sizes[b"H"])
    while stream.readline(200).startswith(b"FRAME"):
        raw = stream.read(width * height)
        if len(raw) < width * height:
            return
        yield np.frombuffer(raw, dtype=np.uint8).reshape(height, width)
