"""From the archive's stream in Redis to rows in the database, off the hot path (C14).

Promise: an entry that reached the stream becomes rows, each once, whoever dies in between: it stays in the stream until the
transaction with its rows was committed and every group has read it. State: the stream, bounded by who writes it; the rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
from django.db import DatabaseError, DataError, IntegrityError, transaction

from interactions.chat.archive.rows import Entry, Malformed, entry_of, rows_of
from interactions.chat.services.archive import GROUP, rows_written
from interactions.delivery.rooms import ARCHIVE
from interactions.models import ArchivedMessage
from liveroom.kernel.data.redis import shared
from liveroom.kernel.work import metrics

log = logging.getLogger(__name__)

# Entries asked for at once, and rows written in one transaction: what else writes to SQLite waits that long.
READ_ENTRIES, ROWS = 200, 2_000
# … and so often before somebody looks at the clock, at the signals and at how much is left.
READS = 5
CLAIM_AFTER_MS = 15_000


def _place(entry_id: bytes) -> tuple[int, int]:
    """Milliseconds and number: how Redis orders entries."""
    ms, _, number = entry_id.partition(b"-")
    return int(ms), int(number)


def open_group(*, client: redis.Redis, group: str = GROUP) -> None:
    """From the first entry that is there; a group that exists stays as it is."""
    try:
        client.xgroup_create(ARCHIVE, group, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def trim(*, client: redis.Redis) -> int:
    """Drop what every group has read and acknowledged, and nothing more. Returns how many entries that were.

    The groups are asked first: what is read in between only makes the answer more careful than it had to be."""
    if not client.exists(ARCHIVE):
        return 0
    groups: Any = client.xinfo_groups(ARCHIVE)
    needed = []
    for group in groups:
        ms, number = _place(group["last-delivered-id"])
        pending: Any = client.xpending(ARCHIVE, group["name"])
        oldest = [_place(pending["min"])] if pending["min"] is not None else []
        needed.append(min([(ms, number + 1), *oldest]))
    if not needed:
        return 0
    ms, number = min(needed)
    dropped: Any = client.xtrim(ARCHIVE, minid=f"{ms}-{number}", approximate=False)
    return int(dropped)


@dataclass(slots=True)
class Archiver:
    """One consumer of the group. Any number may run; each entry is read by one, and taken over if that one dies."""

    consumer: str
    client: redis.Redis = field(default_factory=shared)
    # At the start, and after any failure: what was read under this name and not acknowledged comes first.
    unsure: bool = True

    def drain(self) -> bool:
        """Write what is there, a bounded part of it at a time; returns whether there may be more.

        redis.RedisError, DatabaseError: one of them is away. Nothing is lost; come again."""
        try:
            for _ in range(READS):
                entries = self._read()
                if not entries:
                    return False
                self._write(entries)
        except (redis.RedisError, OSError, DatabaseError):
            self.unsure = True
            raise
        return True

    def _read(self) -> list[tuple[bytes, dict[bytes, bytes] | None]]:
        while True:
            start = "0" if self.unsure else ">"
            try:
                answer: Any = self.client.xreadgroup(GROUP, self.consumer, {ARCHIVE: start}, count=READ_ENTRIES)
            except redis.ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
                open_group(client=self.client)  # Redis lost its memory, or has not had any yet
                continue
            entries = list(answer[0][1]) if answer else []
            if entries or not self.unsure:
                return entries
            self.unsure = False

    def adopt(self) -> int:
        """Take over what somebody read and has not finished for 15 s; the next `drain` writes it. Returns how many entries.

        Who has unfinished work of its own, as while the database is away, leaves that of the others alone."""
        if self.unsure:
            return 0
        try:
            claimed: Any = self.client.xautoclaim(
                ARCHIVE, GROUP, self.consumer, CLAIM_AFTER_MS, count=READ_ENTRIES * READS, justid=True
            )
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            return 0
        if claimed:
            log.info("Archive: %d entries that another process did not finish are taken over.", len(claimed))
            self.unsure = True
        return len(claimed)

    def _write(self, read: Sequence[tuple[bytes, dict[bytes, bytes] | None]]) -> None:
        batch: list[Entry] = []
        done: list[bytes] = []
        for entry_id, fields in read:
            # In any case done with, once the batch before it is: an entry that cannot be read must not be read for ever.
            done.append(entry_id)
            if not fields:
                metrics.archived.labels(result="lost").inc()
                log.error("Archive: the entry %s left the full stream before it was written.", entry_id.decode())
                continue
            try:
                batch.append(entry_of(entry_id, fields))
            except Malformed as error:
                metrics.archived.labels(result="malformed").inc()
                log.error("Archive: the entry %s is dropped: %s", entry_id.decode(), error)
            if sum(entry.size for entry in batch) >= ROWS:
                self._finish(batch, done)
                batch, done = [], []
        self._finish(batch, done)

    def _finish(self, batch: Sequence[Entry], done: Sequence[bytes]) -> None:
        """First the commit, then the acknowledgement: who dies in between writes the same rows again, and they are there."""
        if batch:
            try:
                _save(batch)
            except (IntegrityError, DataError):
                self._one_by_one(batch)
        if done:
            self.client.xack(ARCHIVE, GROUP, *done)

    def _one_by_one(self, batch: Sequence[Entry]) -> None:
        """One entry that the database refuses must not keep the others out."""
        for entry in batch:
            try:
                _save([entry])
            except (IntegrityError, DataError) as error:
                metrics.archived.labels(result="refused").inc(entry.size)
                log.error("Archive: the database refuses the entry %s of %r: %s", entry.id, entry.room_key, error)


def _save(entries: Sequence[Entry]) -> None:
    rows, homeless = rows_of(entries)
    with transaction.atomic():
        ArchivedMessage.objects.bulk_create(rows, ignore_conflicts=True)
        rows_written(rows)
    delivered = sum(row.seq is not None for row in rows)
    metrics.archived.labels(result="delivered").inc(delivered)
    metrics.archived.labels(result="sampled").inc(len(rows) - delivered)
    metrics.archived.labels(result="no_room").inc(homeless)
