"""Playlists of low-latency HLS, read strictly: what RFC 8216bis demands of one, and of one that follows another.

`Watched().take(text)` for each answer in its order; AssertionError says what is wrong. Numbers are those of draft 16."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

_TAG = re.compile(r"#(EXT[A-Z0-9-]+)(?::(.*))?\Z")
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(?:,|\Z)')
_HEAD = {
    "EXTM3U", "EXT-X-VERSION", "EXT-X-TARGETDURATION", "EXT-X-SERVER-CONTROL", "EXT-X-PART-INF", "EXT-X-MEDIA-SEQUENCE",
    "EXT-X-DISCONTINUITY-SEQUENCE",
}  # fmt: skip


def attributes(text: str) -> dict[str, str]:
    """Of an attribute list, which has to be one from its beginning to its end, and names nothing twice."""
    found, at = {}, 0
    while at < len(text):
        one = _ATTRIBUTE.match(text, at)
        assert one, f"no attribute list: {text!r}"
        assert one[1] not in found, f"{one[1]} twice"
        found[one[1]] = one[2].strip('"')
        at = one.end()
    return found


@dataclass(frozen=True)
class Piece:
    """A part."""

    uri: str
    seconds: float
    independent: bool


@dataclass
class Entry:
    """A segment; without a `uri` it is not whole yet."""

    msn: int
    uri: str = ""
    seconds: float = 0.0
    at: datetime | None = None
    map: str = ""
    breaks: bool = False
    parts: list[Piece] = field(default_factory=list)


@dataclass
class Playlist:
    target: int
    part_target: float
    control: dict[str, str]
    first: int
    breaks_before: int
    entries: list[Entry]
    hint: str
    ended: bool
    skipped: int

    @property
    def whole(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.uri]

    @property
    def last_part(self) -> tuple[int, int]:
        """Segment and number of the newest part."""
        last = self.entries[-1]
        return (last.msn, len(last.parts) - 1)


def read(text: str) -> Playlist:
    """One playlist, by the rules that one alone can keep."""
    assert text.endswith("\n")
    lines = text.split("\n")[:-1]
    assert lines[0] == "#EXTM3U"
    head: dict[str, str] = {}
    entries: list[Entry] = []
    hint, ended, skipped, current_map = "", False, 0, ""
    entry: Entry | None = None
    waiting: list[str] = []

    def begun() -> Entry:
        nonlocal entry
        if entry is None:
            entry = Entry(msn=int(head["EXT-X-MEDIA-SEQUENCE"]) + skipped + len(entries), map=current_map)
            entries.append(entry)
        return entry

    for line in lines:
        assert line
        assert not ended
        assert not hint or line.startswith(("#EXT-X-PRELOAD-HINT", "#EXT-X-RENDITION"))
        found = _TAG.match(line)
        if not found:
            assert not line.startswith("#"), line
            assert waiting, "an address without its duration"
            assert entry is not None
            entry.uri, entry, waiting = line, None, []
            continue
        name, value = found[1], found[2] or ""
        assert not waiting, f"{name} between a duration and its address"
        if name in _HEAD:
            assert name not in head, f"{name} twice"
            assert not entries, f"{name} after a segment"
            head[name] = value
        elif name == "EXT-X-SKIP":
            assert not entries
            skipped = int(attributes(value)["SKIPPED-SEGMENTS"])
            assert skipped > 0
        elif name == "EXT-X-DISCONTINUITY":
            assert entry is None
            begun().breaks = True
        elif name == "EXT-X-MAP":
            current_map = attributes(value)["URI"]
            if entry is not None:
                assert not entry.parts
                entry.map = current_map
        elif name == "EXT-X-PROGRAM-DATE-TIME":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value)
            assert not begun().parts
            begun().at = datetime.fromisoformat(value)
        elif name == "EXT-X-PART":
            told = attributes(value)
            assert told.get("INDEPENDENT", "YES") == "YES"
            begun().parts.append(Piece(told["URI"], float(told["DURATION"]), "INDEPENDENT" in told))
        elif name == "EXTINF":
            begun().seconds = float(value.removesuffix(","))
            waiting = [value]
        elif name == "EXT-X-PRELOAD-HINT":
            told = attributes(value)
            assert told["TYPE"] == "PART"
            hint = told["URI"]
        elif name == "EXT-X-ENDLIST":
            ended = True
        else:
            raise AssertionError(f"{name} is no tag of such a playlist")
    assert not waiting
    playlist = Playlist(
        target=int(head["EXT-X-TARGETDURATION"]),
        part_target=float(attributes(head["EXT-X-PART-INF"])["PART-TARGET"]),
        control=attributes(head["EXT-X-SERVER-CONTROL"]),
        first=int(head["EXT-X-MEDIA-SEQUENCE"]),
        breaks_before=int(head.get("EXT-X-DISCONTINUITY-SEQUENCE", "0")),
        entries=entries,
        hint=hint,
        ended=ended,
        skipped=skipped,
    )
    assert int(head["EXT-X-VERSION"]) >= (9 if skipped else 6)
    _keeps_its_word(playlist)
    return playlist


def _keeps_its_word(playlist: Playlist) -> None:
    target, most = playlist.target, playlist.part_target
    control = playlist.control
    assert control["CAN-BLOCK-RELOAD"] == "YES"
    assert float(control["PART-HOLD-BACK"]) >= 3 * most - 1e-9, "less than the three parts that are recommended"
    assert float(control.get("HOLD-BACK", 3 * target)) >= 3 * target
    assert float(control.get("CAN-SKIP-UNTIL", 6 * target)) >= 6 * target
    assert playlist.entries
    assert not (playlist.hint and playlist.ended)
    for entry in playlist.entries:
        assert entry.map, f"segment {entry.msn} has no initial segment"
        assert not entry.uri or 0 < round(entry.seconds) <= target or entry.seconds < 0.5, entry
        assert all(0 < part.seconds <= most + 1e-9 for part in entry.parts), entry
        for part, after in pairwise(entry.parts):
            assert part.seconds >= 0.85 * most or after.independent, (entry.msn, part)
        if entry.parts and entry.uri:
            assert abs(sum(part.seconds for part in entry.parts) - entry.seconds) < most, entry
    # Parts stand at the newest segments, without a hole.
    parted = [bool(entry.parts) for entry in playlist.entries]
    assert parted == sorted(parted), "parts of older segments are listed and of newer ones are not"
    for before, after in pairwise(playlist.whole):
        if before.at and after.at and not after.breaks:
            assert abs((after.at - before.at).total_seconds() - before.seconds) < 0.5, (before, after)
    lengths = [
        (entry.seconds or sum(part.seconds for part in entry.parts), bool(entry.parts)) for entry in playlist.entries
    ]
    with_parts = sum(seconds for seconds, has in lengths if has)
    assert with_parts >= min(sum(seconds for seconds, _ in lengths), 3 * target) - 1e-6, (
        "parts of the last three target durations are missing"
    )


@dataclass
class Watched:
    """All playlists of one stream that one player got. `full`: the last one, its skipped segments filled in."""

    full: Playlist | None = None
    known: dict[int, Entry] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)
    deltas: int = 0
    hints_kept: int = 0
    breaks_seen: int = 0

    def take(self, text: str) -> Playlist:
        playlist, was = read(text), self.full
        if playlist.skipped:
            assert was is not None, "a delta before there was anything"
            assert not was.ended
            self.deltas += 1
            left_out = [self.known[playlist.first + number] for number in range(playlist.skipped)]
            after = sum(entry.seconds for entry in playlist.entries if entry.uri)
            assert after >= float(playlist.control["CAN-SKIP-UNTIL"]) - playlist.target, "too much was skipped"
            playlist.entries[:0] = left_out
            playlist.skipped = 0
        if was is not None:
            self._follows(was, playlist)
        for entry in playlist.entries:
            known = self.known.get(entry.msn)
            if known is not None and entry.uri:
                assert known.uri in ("", entry.uri), f"segment {entry.msn} has another address now"
                assert not known.uri or (known.seconds, known.at, known.breaks) == (
                    entry.seconds,
                    entry.at,
                    entry.breaks,
                )
            if known is not None and entry.parts:
                assert entry.parts[: len(known.parts)] == known.parts, f"parts of segment {entry.msn} were changed"
            self.known[entry.msn] = entry
        self.full = playlist
        return playlist

    def _follows(self, was: Playlist, now: Playlist) -> None:
        assert (now.target, now.part_target, now.control) == (was.target, was.part_target, was.control)
        assert now.first >= was.first, "segments came back"
        removed = [entry for entry in was.whole if entry.msn < now.first]
        if removed:
            assert sum(entry.seconds for entry in now.whole) >= 3 * now.target, "shorter than three target durations"
        assert now.breaks_before == was.breaks_before + sum(entry.breaks for entry in removed)
        assert now.last_part >= was.last_part or now.ended
        # What was announced is what came, unless the segment ended before it.
        at = was.entries[-1] if not was.entries[-1].uri else None
        entry = next((one for one in now.entries if at is not None and one.msn == at.msn), None)
        if at is not None and entry is not None and len(entry.parts) > len(at.parts):
            assert entry.parts[len(at.parts)].uri == was.hint
            self.hints_kept += 1
