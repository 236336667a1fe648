"""The one that counts: what the engine's list, nginx's logs, the gateways and the relays' jobs say, added to the minutes.

Runs in the `run_media` that has the reconciler's lease, on the host of nginx. Promise: what a source gave is added in the transaction that
writes how far it was read (`TrafficMark`), so that nothing is counted twice or lost by a kill, but for what gateways and nginx themselves
had not told yet (five seconds, one second). A collector that lost its lease finds another's name on the mark and forgets what it holds."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import redis
from django.db import connection, transaction

from liveroom.kernel.data.sql import adapted
from liveroom.kernel.values import ids
from streams.engines.base import EngineState
from streams.engines.nginx_conf import http_traffic_log, rtmp_traffic_log
from streams.jobs.models import OPEN_STATES, MediaJob
from streams.models.streams import Stream
from streams.traffic import counting, owners, rules
from streams.traffic.models import TrafficMark
from streams.traffic.rules import Counted, EngineMeter, Seen
from streams.traffic.tailing import Tail

log = logging.getLogger(__name__)

FLUSH_SECONDS = 10.0
RELAYS: Final = ("relay_push",)
# How long after its end a relay's last word is still looked for.
_RELAY_ENDED = timedelta(minutes=5)
_FOLDER_KINDS: Final = {"hls": rules.HLS, "ladder": rules.LADDER, "timeshift": rules.HLS, "vault": rules.FILES}
_ADD: Final = (
    'INSERT INTO "streams_minutetraffic" ("stream_id", "room_id", "app_id", "minute", "kind", "bytes", "requests") '
    "VALUES (%s, %s, %s, %s, %s, %s, %s) "
    'ON CONFLICT ("stream_id", "minute", "kind") DO UPDATE SET '
    '"bytes" = "streams_minutetraffic"."bytes" + excluded."bytes", '
    '"requests" = "streams_minutetraffic"."requests" + excluded."requests"'
)
# (a stream's name or a folder of files, kind, minute) -> bytes, requests.
Sums = dict[tuple[str, str, int], tuple[int, int]]


def _add(sums: Sums, name: str, kind: str, minute: int, size: int, requests: int) -> None:
    before = sums.get((name, kind, minute), (0, 0))
    sums[name, kind, minute] = (before[0] + size, before[1] + requests)


class Collector:
    """`run`: the folder where nginx writes its logs."""

    def __init__(self, *, run: Path) -> None:
        self._run = run
        self._me = ids.number("t")
        self._loaded = False
        self._flushed_at: datetime | None = None
        self._meter = EngineMeter()
        self._rtmp = self._http = Tail(run)
        self._relays: dict[str, list[int]] = {}
        self._waiting: Sums = {}
        self._taken = ""

    def follow(self, state: EngineState, *, now: datetime) -> None:
        """Called every two seconds with the engine's list. Raises what the database raises; then nothing is lost."""
        if not self._loaded:
            self._load()
        minute = int(now.timestamp()) // 60 * 60
        looked = self._meter.look(instance=state.instance, streams=_seen(state))
        for one in looked:
            self._note(one, minute)
        for client, received, sent in rules.read_last_words(self._rtmp.lines()):
            last = self._meter.last_word(client=client, received=received, sent=sent)
            if last is not None:
                self._note(last, minute)
        for request in rules.read_requests(self._http.lines()):
            place, _, name = request.folder.partition("/")
            if place in _FOLDER_KINDS:
                _add(self._waiting, name, _FOLDER_KINDS[place], request.minute, request.bytes, 1)
        if self._flushed_at is None:
            self._flushed_at = now
        # The mark knows a connection from its first look on: whoever goes on after a kill understands the log's last word on it.
        if now - self._flushed_at >= timedelta(seconds=FLUSH_SECONDS) or any(one.requests for one in looked):
            self.flush(now=now)

    def _note(self, one: Counted, minute: int) -> None:
        _add(self._waiting, one.stream, one.kind, minute, one.bytes, one.requests)

    @transaction.atomic
    def _load(self) -> None:
        """Go on where whoever counted last stopped, and be the one who counts."""
        mark, _ = TrafficMark.objects.select_for_update().get_or_create(name="collector")
        state = mark.state
        self._meter = EngineMeter.from_saved(state.get("engine", {}))
        self._rtmp = Tail(rtmp_traffic_log(self._run), place=state.get("rtmp"))
        self._http = Tail(http_traffic_log(self._run), place=state.get("http"))
        self._relays, self._taken = dict(state.get("relays", {})), str(state.get("taken", ""))
        self._waiting = {}
        mark.state = {**state, "by": self._me}
        mark.save(update_fields=["state"])
        self._loaded = True

    def flush(self, *, now: datetime) -> None:
        """Add what waits to the minutes."""
        batch, told = self._told()
        relays = dict(self._relays)
        with transaction.atomic():
            mark = TrafficMark.objects.select_for_update().get(name="collector")
            if mark.state.get("by") != self._me:
                log.info("Another process counts the traffic; what this one held is left to it.")
                self._loaded = False
                return
            sums = dict(self._waiting)
            if batch and batch != self._taken:
                for (name, kind, minute), (size, requests) in told.items():
                    _add(sums, name, kind, minute, size, requests)
            for one in _relayed(relays, now=now):
                _add(sums, one.stream, one.kind, int(now.timestamp()) // 60 * 60, one.bytes, one.requests)
            write(sums)
            mark.state = {
                "by": self._me, "engine": self._meter.saved(), "rtmp": self._rtmp.place, "http": self._http.place,
                "relays": relays, "taken": batch or self._taken,
            }  # fmt: skip
            mark.save(update_fields=["state"])
        self._waiting, self._relays, self._flushed_at = {}, relays, now
        if batch:
            self._taken = batch
            self._forget_told()
        self._rtmp.empty_if_long()
        self._http.empty_if_long()

    def end(self, *, now: datetime) -> None:
        if self._loaded:
            self.flush(now=now)

    def _told(self) -> tuple[str, Sums]:
        try:
            return counting.take(batch=ids.number("b"))
        except redis.RedisError as error:
            log.info("What the gateways counted waits: Redis is away (%s).", error)
            return "", {}

    @staticmethod
    def _forget_told() -> None:
        try:
            counting.done()
        except redis.RedisError as error:
            log.info("What was added is taken from Redis later (%s).", error)


def _seen(state: EngineState) -> Mapping[str, Seen]:
    return {
        name: Seen(
            bytes_in=found.bytes_in, bytes_out=found.bytes_out, players=found.viewers, peers=found.peers,
            publisher=found.publisher.client_id if found.publisher is not None else "",
        )
        for name, found in state.streams.items()
    }  # fmt: skip


def _relayed(known: dict[str, list[int]], *, now: datetime) -> Iterable[Counted]:
    """What the children of relays wrote since the last time; `known` is brought up to date."""
    rows = MediaJob.objects.filter(kind__in=RELAYS, stream__isnull=False)
    open_ = rows.filter(state__in=OPEN_STATES) | rows.filter(ended_at__gte=now - _RELAY_ENDED)
    present = set()
    for pk, run, progress, name in open_.values_list("pk", "run", "progress", "stream__name"):
        present.add(str(pk))
        size = int(progress.get("size_bytes") or 0)
        before = known.get(str(pk), [0, 0])
        if size == before[1]:
            continue  # of a child that has just been started the row still shows the one before
        same = run == before[0] and size > before[1]
        yield Counted(name, rules.RELAY, size - before[1] if same else size, requests=int(not same))
        known[str(pk)] = [run, size]
    for gone in known.keys() - present:
        del known[gone]


def write(sums: Sums) -> None:
    """Add to the minutes; in a transaction. Names of streams that are gone count nothing."""
    files = owners.streams_of({name for name, kind, _ in sums if kind == rules.FILES})
    names = {name for name, kind, _ in sums if kind != rules.FILES}
    columns = ("pk", "room_id", "room__app_id")
    by_name = {name: tuple(row) for name, *row in Stream.objects.filter(name__in=names).values_list("name", *columns)}
    by_pk = {row[0]: row for row in Stream.objects.filter(pk__in=set(files.values())).values_list(*columns)}
    rows: dict[tuple[int, int, str], list[Any]] = {}
    for (name, kind, minute), (size, requests) in sums.items():
        owner = by_pk.get(files.get(name, 0)) if kind == rules.FILES else by_name.get(name)
        if owner is None:
            continue
        at = adapted(datetime.fromtimestamp(minute, UTC))
        row = rows.setdefault((owner[0], minute, kind), [*owner, at, kind, 0, 0])
        row[5] += size
        row[6] += requests
    if rows:
        with connection.cursor() as cursor:
            # In one order for all who write: two collectors at a change of the lease must not wait for each other.
            cursor.executemany(_ADD, [rows[key] for key in sorted(rows)])
