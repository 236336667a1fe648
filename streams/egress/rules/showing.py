"""How an address may be shown: in logs, in lists, in refusals. Nothing in it lets anybody push, play or log in.

Promise: of an RTMP address the application is left, of an SRT one the host; queries and logins never; of a path no part that looks like a
key. Whatever is given, however broken, something short is answered."""

from __future__ import annotations

import re

HIDDEN = "…"
_LONGEST = 200
_PLAIN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,15})://([^/?#\\\s]*)([^?#\s]*)(.*)", re.DOTALL)
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
# Directories and file names that people give have letters or digits, seldom both, or are short.
_SHORT_PART = 15
_PART = re.compile(r"[A-Za-z0-9_.~-]+")


def shown(url: str) -> str:
    """The address without its secrets, at most 200 characters long."""
    found = _PLAIN.fullmatch(url.strip())
    if found is None:
        return "(no address)" if "://" not in url else HIDDEN
    scheme, authority, path, rest = found[1].lower(), found[2], found[3], found[4]
    login, at, host = authority.rpartition("@")
    said = f"{scheme}://{HIDDEN + at if login or at else ''}{host if _HOST.fullmatch(host) else HIDDEN}"
    return (said + _path(scheme, path) + (f"?{HIDDEN}" if rest.strip("?#") else ""))[:_LONGEST]


def _path(scheme: str, path: str) -> str:
    parts = [part for part in path.split("/") if part]
    if not parts:
        return path[:1]
    if scheme in ("rtmp", "rtmps", "rtmpt", "rtmpe"):
        # The application; all behind it names the stream, and its name is the key mostly.
        return f"/{_part(parts[0])}/{HIDDEN}" if len(parts) > 1 else f"/{HIDDEN}"
    if scheme in ("http", "https", "rtsp", "rtsps"):
        return "".join(f"/{_part(part)}" for part in parts)
    return f"/{HIDDEN}"


def _part(part: str) -> str:
    """A part of a path, unless it looks like a key."""
    if not _PART.fullmatch(part):
        return HIDDEN
    stem, dot, suffix = part.rpartition(".")
    stem, tail = (stem, dot + suffix) if dot and len(suffix) <= 5 and stem else (part, "")
    return part if len(stem) <= _SHORT_PART else HIDDEN + tail
