"""The playlists of a ladder as viewers get them: a master of all rungs, and each rung's last segments, their addresses signed for nginx.

A ladder's folder (`streams/ladder/`) holds a folder per generation: what it is (`ladder.json`), ffmpeg's master (for the codecs) and a
playlist per rung. The newest generation of which every rung has a segment is shown. Reads files; nothing is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from streams.gateway.picture.playlist import SIGNED_SECONDS, signature

SHOWN_SECONDS = 10.0
SHOWN_SEGMENTS = 5
ABOUT = "ladder.json"
# Within a segment of two seconds, an encoder with a buffer of one second may spend half as much again.
_PEAK = 1.5
_SOUND_CODEC = "mp4a.40.2"
_RUNG = re.compile(r"[a-z0-9][a-z0-9_-]{0,19}\Z")
_FILE = re.compile(r"[a-z0-9_-]{1,40}\.(?:m4s|mp4)\Z")


@dataclass(frozen=True, slots=True)
class Generation:
    """One that can be played. `about`: what the job wrote."""

    stream: str
    folder: Path
    about: Mapping[str, Any]

    @property
    def rungs(self) -> list[str]:
        return [rung["name"] for rung in self.about["rungs"]]


def generation(ladders: Path, stream: str) -> Generation | None:
    """None: the stream has no ladder now, or none that can be played yet."""
    try:
        found = sorted(
            (entry for entry in (ladders / stream).iterdir() if entry.name.isdigit()),
            key=lambda entry: -int(entry.name),
        )
    except OSError:
        return None
    for folder in found:
        try:
            about = json.loads((folder / ABOUT).read_bytes())
        except (OSError, ValueError):
            continue
        if about["rungs"] and all((folder / f"{rung['name']}.m3u8").exists() for rung in about["rungs"]):
            return Generation(stream=stream, folder=folder, about=about)
    return None


def master_playlist(found: Generation, *, query: Mapping[str, str]) -> str:
    """`query`: the viewer's own, for the playlists that it asks for next."""
    codecs = _codecs(found.folder)
    mark = f"?{urlencode(query)}" if query else ""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for rung in found.about["rungs"]:
        sound = rung["audio_kbps"]
        average = rung["video_kbps"] + sound
        attributes = {
            "BANDWIDTH": round((rung["video_kbps"] * _PEAK + sound) * 1050),
            "AVERAGE-BANDWIDTH": round(average * 1030),
            "CODECS": f'"{codecs.get(rung["name"]) or _SOUND_CODEC}"',
        }
        if rung["width"]:
            attributes["RESOLUTION"] = f"{rung['width']}x{rung['height']}"
        if rung["fps"]:
            attributes["FRAME-RATE"] = f"{rung['fps']:.3f}"
        attributes["NAME"] = f'"{rung["name"]}"'
        lines.append("#EXT-X-STREAM-INF:" + ",".join(f"{name}={value}" for name, value in attributes.items()))
        lines.append(f"{rung['name']}.m3u8{mark}")
    return "\n".join(lines) + "\n"


def _codecs(folder: Path) -> dict[str, str]:
    """By rung, as ffmpeg found them in the streams' own headers."""
    try:
        text = (folder / "master.m3u8").read_text("ascii")
    except (OSError, ValueError):
        return {}
    found = re.findall(r'#EXT-X-STREAM-INF:[^\n]*CODECS="([^"\n]+)"[^\n]*\n([^\n]+)\.m3u8', text)
    return {name: codecs for codecs, name in found}


def rung_playlist(found: Generation, *, rung: str, secret: str, now_seconds: float) -> str | None:
    """None: there is no such rung (any more)."""
    if not _RUNG.match(rung) or rung not in found.rungs:
        return None
    try:
        text = (found.folder / f"{rung}.m3u8").read_text("ascii")
    except (OSError, ValueError):
        return None
    first, initial, segments = _read(text)
    shown = _tail(segments)
    if not shown or not _FILE.match(initial):
        return None
    expires = (int(now_seconds) // SIGNED_SECONDS + 2) * SIGNED_SECONDS

    def signed(name: str) -> str:
        uri = f"/ladder/{found.stream}/{found.folder.name}/{name}"
        return f"{uri}?md5={signature(uri=uri, expires=expires, secret=secret)}&expires={expires}"

    longest = max(segment.seconds for segment in shown)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(int(found.about.get('target_seconds', 2)), int(longest + 0.5))}",
        f"#EXT-X-MEDIA-SEQUENCE:{first + len(segments) - len(shown)}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{signed(initial)}"',
    ]
    for segment in shown:
        lines += [*segment.tags, signed(segment.name)]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class _Segment:
    name: str
    seconds: float
    tags: tuple[str, ...]


def _read(text: str) -> tuple[int, str, list[_Segment]]:
    """Number of the first segment, name of the initial one, segments."""
    first, initial, tags, seconds = 0, "", [], 0.0
    segments: list[_Segment] = []
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("#EXT-X-MEDIA-SEQUENCE:"):
            first = int(line.partition(":")[2])
        elif line.startswith("#EXT-X-MAP:"):
            initial = line.partition('URI="')[2].partition('"')[0].rpartition("/")[2]
        elif line.startswith("#EXTINF:"):
            tags.append(line)
            seconds = float(line.partition(":")[2].rstrip(",").split(",")[0])
        elif line == "#EXT-X-DISCONTINUITY" or line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            tags.append(line)
        elif line and not line.startswith("#"):
            name = line.rpartition("/")[2]
            if not _FILE.match(name):
                raise ValueError(f"{name[:40]!r} is no segment of a ladder")
            segments.append(_Segment(name, seconds, tuple(tags)))
            tags, seconds = [], 0.0
    return first, initial, segments


def _tail(segments: list[_Segment]) -> list[_Segment]:
    shown: list[_Segment] = []
    total = 0.0
    for segment in reversed(segments):
        if len(shown) >= SHOWN_SEGMENTS and total >= SHOWN_SECONDS:
            break
        shown.append(segment)
        total += segment.seconds
    return shown[::-1]
