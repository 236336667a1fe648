"""One stream's window on the disk: `<data>/timeshift/<stream>/<run>/` with an index, initial files and items.

Promise: an item is on the disk before its line is in the index, and a line is whole or does not count; so whatever is killed, what the
index says can be played, and only the item that was being gathered is lost. Each writer has a run of its own, named by when it began:
two that write for a moment harm nobody. Every process reads the same folders; only who holds the lease writes.

Used from one thread (`shelf.py`)."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from streams.timeshift import rules
from streams.timeshift.rules import Item

INDEX, FLOOR = "index", "floor"
_MOST_RUNS = 10_000


@dataclass(slots=True)
class _Run:
    """One that is written."""

    name: str
    began_ms: int
    heads: int = 0
    head: bytes = b""  # the last that was written into it


class Window:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.items: list[Item] = []
        self._offsets: dict[str, int] = {}
        self._floor_ms = 0
        self._run: _Run | None = None
        self._next: tuple[int, int] | None = None
        self._head = b""

    # Reading

    def refresh(self) -> None:
        """Read what was written since the last time, by whom ever."""
        floor = self._read_floor()
        for run in self._runs():
            offset = self._offsets.get(run, 0)
            try:
                with (self.folder / run / INDEX).open("rb") as file:
                    file.seek(offset)
                    text = rules.whole_lines(file.read().decode("ascii", "replace"))
            except OSError:
                continue
            self._offsets[run] = offset + len(text)
            self.items += rules.goes_on(self.items, rules.items_of(text, run=run))
        if floor > self._floor_ms:
            self._floor_ms = floor
        self._forget_items(rules.over(self.items, before_ms=self._floor_ms))

    @property
    def size(self) -> int:
        return sum(item.size for item in self.items)

    def _runs(self) -> list[str]:
        """Those that may have news, in their order: of the runs that were read, only the last one grows."""
        try:
            found = sorted((name for name in os.listdir(self.folder) if name.isdigit()), key=int)[:_MOST_RUNS]
        except OSError:
            return []
        for gone in set(self._offsets).difference(found):
            del self._offsets[gone]
        last = max((int(name) for name in self._offsets), default=-1)
        # A writer that was paused may still end its item: the two last ones are looked at.
        older = sorted((name for name in found if int(name) < last), key=int)[-1:]
        return [name for name in found if name in older or int(name) >= last or name not in self._offsets]

    def _read_floor(self) -> int:
        try:
            return int((self.folder / FLOOR).read_text("ascii"))
        except (OSError, ValueError):
            return 0

    # Writing: by whom has the lease

    def begin(self) -> None:
        """A run of one's own, after a pause of whatever length: what comes next is another stretch."""
        self.refresh()
        last = self.items[-1] if self.items else None
        self._run, self._head = None, b""
        number, stretch = self._next or (0, -1)
        if last is not None:
            number, stretch = max(number, last.number + 1), max(stretch, last.stretch)
        self._next = (number, stretch + 1)

    def broke(self) -> None:
        """The picture goes on after a break."""
        if self._next is not None:
            self._next = (self._next[0], self._next[1] + 1)

    def add(self, *, head: bytes, data: list[bytes], start_ms: int, duration_ms: int) -> Item:
        """Write one item. OSError: it is not there then, and nothing points at it."""
        if self._next is None:
            self.begin()
        assert self._next is not None  # noqa: S101 - just set
        if self._head and head != self._head:
            self.broke()
        self._head = head
        run = self._run
        if run is None or start_ms - run.began_ms >= rules.RUN_MS:
            run = self._open_run(start_ms)
        if head != run.head:
            (self.folder / run.name / f"head{run.heads + 1}.mp4").write_bytes(head)
            run.heads, run.head = run.heads + 1, head
        number, stretch = self._next
        item = Item(
            run=run.name, number=number, start_ms=start_ms, duration_ms=duration_ms,
            size=sum(map(len, data)), head=run.heads, stretch=stretch, token=secrets.token_urlsafe(6),
        )  # fmt: skip
        path = self.folder / run.name / item.name
        try:
            with path.open("wb") as file:
                file.writelines(data)
            with (self.folder / run.name / INDEX).open("ab") as index:
                index.write(item.line().encode("ascii"))
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink()
            # A line may be half written: nothing is written behind it.
            self._run = None
            self.broke()
            raise
        self._next = (number + 1, stretch)
        return item

    def _open_run(self, start_ms: int) -> _Run:
        name = start_ms
        while True:
            try:
                (self.folder / str(name)).mkdir(parents=True)
                break
            except FileExistsError:
                name += 1
        self._run = _Run(name=str(name), began_ms=start_ms)
        return self._run

    # Removing

    def prune(self, *, before_ms: int) -> int:
        """Files of what ended before that moment. How many items went."""
        self.refresh()
        count = rules.over(self.items, before_ms=before_ms)
        if not count:
            return 0
        floor = self.items[count - 1].end_ms
        aside = self.folder / f"{FLOOR}.new"
        aside.write_text(str(floor), "ascii")
        aside.rename(self.folder / FLOOR)
        self._floor_ms = floor
        gone = self.items[:count]
        self._forget_items(count)
        for item in gone:
            with contextlib.suppress(OSError):
                (self.folder / item.run / item.name).unlink()
        self._remove_empty_runs()
        return count

    def _forget_items(self, count: int) -> None:
        if count:
            del self.items[:count]

    def _remove_empty_runs(self) -> None:
        """Runs of which no item is left; the one that is written stays, and one that may just have begun."""
        used = {item.run for item in self.items}
        newest = max((int(name) for name in self._offsets), default=0)
        for name in list(self._offsets):
            written = self._run is not None and name == self._run.name
            if name not in used and not written and int(name) != newest:
                shutil.rmtree(self.folder / name, ignore_errors=True)
                del self._offsets[name]

    def remove(self) -> None:
        self.items.clear()
        self._offsets.clear()
        self._run, self._next = None, None
        shutil.rmtree(self.folder, ignore_errors=True)
