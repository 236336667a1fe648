"""What was written of a recording, read on, and its rows made to say so: files that are whole, and when each second was filmed.

State: `Recording.scan` (run and clock), the pieces of `RecordingFile`. Safe to call at any time and after any kill: it goes on where the
rows stand. Two at once: one of them changes nothing."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from django.db import transaction

from streams.jobs.models import State
from streams.recording.models import Recording, RecordingFile, RecordingPart
from streams.recording.raw import disk
from streams.recording.raw.pieces import Data, Limits, Piece, Track, Why, first_piece, next_piece, read_on
from streams.recording.rules import Wish
from streams.rules.timebase import Timebase

# A picture that changes again and again makes no more files than this.
MOST_FILES = 500


class ReadElsewhere(Exception):
    """Another worker has read on meanwhile."""


@dataclass(slots=True)
class _Reading:
    wish: Wish
    draft: list[Piece]
    clock: Timebase
    run: int
    closed: list[list[Piece]] = field(default_factory=list)

    def take(self, *, run: int, data: Data, written_at: float) -> None:
        """Read a run as far as it goes."""
        if not self.draft or self.draft[-1].run != run:
            self.run, self.clock = run, Timebase()
            self._drop_empty()
            self.draft.append(first_piece(run))
        while True:
            piece = self.draft[-1]
            why = read_on(
                data, piece, self.clock, limits=self._limits(), like=(self._like("video"), self._like("audio"))
            )
            if why is Why.END:
                break
            following = next_piece(piece, self.clock)
            self._drop_empty()
            if self.draft:
                self.closed.append(self.draft)
            self.draft = [following]
        later = 0.0
        for piece in reversed([one for pieces in (*self.closed, self.draft) for one in pieces if one.run == run]):
            piece.anchor(last_at=written_at - later)
            later += piece.duration_ms / 1000

    def _drop_empty(self) -> None:
        if self.draft and self.draft[-1].is_empty:
            self.draft.pop()

    def _limits(self) -> Limits:
        before = self.draft[:-1]
        return Limits(
            split_ms=self.wish.split_seconds * 1000,
            split_bytes=self.wish.split_bytes,
            file_ms=sum(piece.duration_ms for piece in before),
            file_bytes=sum(piece.size for piece in before),
        )

    def _like(self, name: str) -> Track | None:
        found: list[Track] = [track for piece in self.draft[:-1] if (track := getattr(piece, name)) is not None]
        return found[0] if found else None


def read_written(*, recording_id: int, last: bool, now: datetime) -> Recording:
    """The recording as it is after it. `last`: nothing more will be written. ReadElsewhere.

    `scan["full"]`: it has as many files as it may, and nothing more is read."""
    recording = Recording.objects.get(pk=recording_id)
    open_file = recording.files.filter(state=State.RUNNING).first()
    reading = _Reading(
        wish=msgspec.convert(recording.settings, Wish),
        draft=msgspec.convert(open_file.pieces, list[Piece]) if open_file else [],
        clock=Timebase.again(recording.scan.get("clock", {})),
        run=recording.scan.get("run", 0),
    )
    if recording.scan.get("piece"):
        reading.draft.append(msgspec.convert(recording.scan["piece"], Piece))
    for run, path in disk.written_files(recording.number):
        if run >= reading.run and not recording.scan.get("full"):
            with mapped(path) as data:
                reading.take(run=run, data=data, written_at=path.stat().st_mtime)
    with transaction.atomic():
        held = Recording.objects.select_for_update().get(pk=recording_id)
        if held.scan != recording.scan:
            raise ReadElsewhere(recording.number)
        _write(held, open_file, reading, last=last, now=now)
    return held


def _write(
    recording: Recording, open_file: RecordingFile | None, reading: _Reading, *, last: bool, now: datetime
) -> None:
    whole = [piece for piece in reading.draft if not piece.is_empty]
    pending = reading.draft[-1] if reading.draft and reading.draft[-1].is_empty else None
    if whole and pending is None and (last or recording.scan.get("full")):
        # Its file is closed: were there more, it would begin here, and nothing is read twice.
        pending = next_piece(whole[-1], reading.clock)
    drafts = [*reading.closed, whole] if whole else reading.closed
    number, offset = 1, 0.0
    before = recording.files.exclude(state=State.RUNNING).order_by("-number").first()
    if before is not None:
        number, offset = before.number + 1, before.media_offset + before.duration_seconds
    is_full = bool(recording.scan.get("full")) or number + len(drafts) > MOST_FILES
    drafts = drafts[: max(0, MOST_FILES - number + 1)]
    for pieces in drafts:
        is_open = pieces is whole and not last and not is_full
        file = open_file or RecordingFile(recording=recording, number=number)
        open_file = None
        file.state = State.RUNNING if is_open else State.FINISHING
        file.started_at = datetime.fromtimestamp(pieces[0].walls[0], UTC)
        file.media_offset, file.duration_seconds = offset, sum(piece.duration_ms for piece in pieces) / 1000
        file.size_bytes, file.frames = sum(piece.size for piece in pieces), sum(piece.frames for piece in pieces)
        file.pieces = msgspec.to_builtins(pieces)
        file.save()
        _write_parts(recording, file, pieces)
        number, offset = number + 1, offset + file.duration_seconds
        if recording.started_at is None or file.number == 1:
            recording.started_at = file.started_at
    recording.scan = {
        "run": reading.run,
        "clock": reading.clock.kept(),
        # Nothing has come of it yet, so no file holds it.
        "piece": msgspec.to_builtins(pending) if pending is not None else None,
        "full": is_full,
        "looks": recording.scan.get("looks", 0) + 1,
    }
    recording.duration_seconds, recording.read_at = offset, now
    recording.size_bytes = sum(recording.files.values_list("size_bytes", flat=True))
    recording.save(update_fields=["scan", "started_at", "duration_seconds", "size_bytes", "read_at"])


def _write_parts(recording: Recording, file: RecordingFile, pieces: Sequence[Piece]) -> None:
    file.parts.all().delete()
    number, offset = recording.parts.count() + 1, file.media_offset
    rows: list[RecordingPart] = []
    for piece in pieces:
        starts = [piece.first_ms, *piece.breaks]
        ends = [*starts[1:], piece.last_ms + piece.step_ms]
        for wall, start, end in zip(piece.walls, starts, ends, strict=True):
            rows.append(
                RecordingPart(
                    recording=recording,
                    file=file,
                    number=number + len(rows),
                    started_at=datetime.fromtimestamp(wall, UTC),
                    media_offset=offset + (start - piece.first_ms) / 1000,
                    duration_seconds=max(0, end - start) / 1000,
                )
            )
        offset += piece.duration_ms / 1000
    RecordingPart.objects.bulk_create(rows)


@contextmanager
def mapped(path: Path) -> Iterator[Data]:
    """The file as bytes, without reading it."""
    with path.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # it is empty
            yield b""
            return
    try:
        yield data
    finally:
        data.close()


@contextmanager
def runs_of(recording: Recording, pieces: Sequence[Piece]) -> Iterator[dict[int, Data]]:
    """The bytes that the pieces name. FileNotFoundError: they are gone."""
    wanted = {piece.run for piece in pieces}
    paths: dict[int, Any] = dict(disk.written_files(recording.number))
    with ExitStack() as stack:
        try:
            yield {run: stack.enter_context(mapped(paths[run])) for run in wanted}
        except KeyError as error:
            raise FileNotFoundError(f"run {error}") from None
