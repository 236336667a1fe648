"""What relays do with addresses and lists: which lead to streams of our own, where a list is. Pure.

How an address may be written, and how it is shown, is said by `streams/egress/rules`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from streams.egress.rules import Address

PULL, PUSH, FILE = "pull", "push", "file"
KINDS: Final = (PULL, PUSH, FILE)
MOST_FILES, MOST_LOOPS = 100, 10_000
FOREVER: Final = 0
HIDDEN: Final = "…"

# What ffmpeg reads as fast as it comes unless it is told to keep to the media's own time.
_FILES = re.compile(r"\.(?:mp4|m4v|mov|mkv|webm|ts|flv|mp3|m4a|aac|ogg|wav|avi)\Z", re.IGNORECASE)
_LISTS = re.compile(r"\.m3u8?\Z", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OWN_PATH = re.compile(r"/(?:live|hls)/+([A-Za-z0-9_-]{1,64})(?:\.(?:flv|m3u8|ts))?(?:/|\Z)")


def is_list(address: Address) -> bool:
    """HLS, as far as its name tells."""
    return address.scheme in ("http", "https") and _LISTS.search(address.path) is not None


def may_be_file(address: Address) -> bool:
    """It may have an end, and come faster than it is to be shown. (HTTP-FLV is live mostly: it comes in its own time anyway.)"""
    return address.scheme in ("http", "https") and _FILES.search(address.path) is not None


def own_stream(address: Address, *, hosts: Collection[str], ports: Collection[int]) -> str | None:
    """The name of the stream that an address plays or pushes *here*; "" if it leads here and names none; None: it leads elsewhere."""
    if address.host not in hosts or address.port not in ports:
        return None
    if address.scheme == "srt":
        name = dict(parse_qsl(address.query)).get("streamid", "").partition("?")[0].rpartition("=")[2]
        return name if _NAME.fullmatch(name) else ""
    found = _OWN_PATH.match(address.path)
    return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a playlist is: which file (from 0), how far into it, and how often all of it has been played."""

    file: int = 0
    seconds: float = 0.0
    rounds: int = 0


def place_of(raw: Mapping[str, object], *, files: int) -> Place:
    """A stored place, if it fits the list as it is now; else the beginning."""
    file, seconds, rounds = raw.get("file"), raw.get("seconds"), raw.get("rounds")
    if (
        type(file) is not int
        or type(rounds) is not int
        or not isinstance(seconds, int | float)
        or isinstance(seconds, bool)
    ):
        return Place()
    if not 0 <= file < files or not 0 <= seconds < 10**7 or rounds < 0:
        return Place()
    return Place(file=file, seconds=float(seconds), rounds=rounds)


def next_file(place: Place, *, files: int, loops: int) -> Place | None:
    """What comes after the file at `place`; None: nothing. `loops`: how often all is played, 0: again and again."""
    if place.file + 1 < files:
        return Place(file=place.file + 1, rounds=place.rounds)
    rounds = place.rounds + 1
    return Place(file=0, rounds=rounds) if loops == FOREVER or rounds < loops else None
