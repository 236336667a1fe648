"""What was counted is added to the minutes once, whoever dies when; what is asked of them; and they are forgotten."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError

from liveroom.kernel import clock
from liveroom.kernel.data.redis import shared
from streams.engines.base import EngineState, EngineStream, Publisher
from streams.engines.nginx_conf import http_traffic_log, rtmp_traffic_log
from streams.jobs.models import MediaJob
from streams.models import MinuteTraffic, Recording
from streams.traffic import counting, selectors
from streams.traffic.collecting import FLUSH_SECONDS, Collector
from streams.traffic.pruning import prune_traffic
from streams.traffic.rules import Counted

pytestmark = pytest.mark.django_db

LATER = timedelta(seconds=FLUSH_SECONDS + 1)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for path in (rtmp_traffic_log(tmp_path), http_traffic_log(tmp_path)):
        path.touch()
    shared().delete(counting.NOW, counting.TAKEN)
    return tmp_path


def listed(cast, in_: int, out: int = 0, *, viewers: tuple[str, ...] = (), peers: int = 0) -> EngineState:
    stream = EngineStream(
        name=cast.stream.name, publisher=Publisher("1", "198.51.100.7", 1000), viewers=viewers, bytes_in=in_,
        bytes_out=out, peers=peers,
    )  # fmt: skip
    return EngineState(instance="a", streams=MappingProxyType({stream.name: stream}))


def sums() -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for row in MinuteTraffic.objects.all():
        size, requests = found.get(row.kind, (0, 0))
        found[row.kind] = (size + row.bytes, requests + row.requests)
    return found


def begun(cast, run: Path) -> Collector:
    """One that has seen an engine without streams."""
    collector = Collector(run=run)
    collector.follow(EngineState(instance="a", streams=MappingProxyType({})), now=clock.now())
    return collector


def say(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def test_all_that_carries_a_stream_is_added_up(cast, run):
    collector, now, name = begun(cast, run), clock.now(), cast.stream.name
    Recording.objects.create(
        app=cast.app, room=cast.room, stream=cast.stream, number="f1", format="mp4", origin="hand", state="done",
        started_at=now, created_at=now,
    )  # fmt: skip
    collector.follow(listed(cast, 1000, 3000, viewers=("8", "9"), peers=3), now=now)
    say(
        http_traffic_log(run), f"{now.timestamp():.3f} 500 /hls/{name}/1.ts", f"{now.timestamp():.3f} 70 /ladder/{name}/1/a.m4s",
        f"{now.timestamp():.3f} 900 /vault/AAAAAAAAAAAAAAAAAAAAAA/1800000000/films/f1/1.mp4",
        f"{now.timestamp():.3f} 900 /vault/AAAAAAAAAAAAAAAAAAAAAA/1800000000/films/nobodys/1.mp4",
        f"{now.timestamp():.3f} 900 /hls/nobodys/1.ts",
    )  # fmt: skip
    say(rtmp_traffic_log(run), "9 4000 1234", "77 5 5")
    async_to_sync(counting.acount)([Counted(name, "flv", 40, 2), Counted(name, "hls", 5, 1)], now_seconds=time.time())
    MediaJob.objects.create(
        app=cast.app, stream=cast.stream, kind="relay_push", reference="relay:1", spec={}, state="running", run=3,
        progress={"size_bytes": 222}, created_at=now,
    )  # fmt: skip
    collector.follow(listed(cast, 1500, 3000, viewers=("8",), peers=2), now=now + LATER)
    assert sums() == {
        "push": (1500, 1), "rtmp": (2234, 2), "hls": (505, 2), "ladder": (70, 1), "files": (900, 1), "flv": (40, 2),
        "relay": (222, 1),
    }  # fmt: skip
    MediaJob.objects.update(progress={"size_bytes": 300})
    collector.flush(now=now + LATER)
    collector.flush(now=now + LATER)
    assert sums()["relay"] == (300, 1)


def test_one_that_dies_before_it_has_written_is_followed_by_one_that_counts_the_same(cast, run, monkeypatch):
    collector, now, name = begun(cast, run), clock.now(), cast.stream.name
    collector.flush(now=now)
    collector.follow(listed(cast, 1000), now=now)
    say(http_traffic_log(run), f"{now.timestamp():.3f} 500 /hls/{name}/1.ts")
    async_to_sync(counting.acount)([Counted(name, "flv", 40, 1)], now_seconds=time.time())

    def broken(sums):
        raise DatabaseError("away")

    with monkeypatch.context() as patch:
        patch.setattr("streams.traffic.collecting.write", broken)
        with pytest.raises(DatabaseError):
            collector.follow(listed(cast, 1000), now=now + LATER)
    second = Collector(run=run)
    second.follow(listed(cast, 1200), now=now + LATER)
    second.flush(now=now + LATER)
    assert sums() == {"push": (1200, 1), "hls": (500, 1), "flv": (40, 1)}
    # The first one was only slow: what it holds is counted by now.
    collector.flush(now=now + LATER)
    second.flush(now=now + LATER)
    assert sums() == {"push": (1200, 1), "hls": (500, 1), "flv": (40, 1)}


def test_a_player_that_ends_while_nobody_counts_is_counted_by_its_last_word(cast, run):
    now = clock.now()
    begun(cast, run).follow(listed(cast, 1000, 2000, viewers=("8",), peers=2), now=now)
    say(rtmp_traffic_log(run), "8 300 5000")
    second = Collector(run=run)
    second.follow(listed(cast, 1500, 2500), now=now + LATER)
    second.end(now=now + LATER)
    assert sums() == {"push": (1500, 1), "rtmp": (5000, 1)}


def test_what_gateways_told_is_added_once_though_it_could_not_be_taken_away(cast, run, monkeypatch):
    collector, now = begun(cast, run), clock.now()
    async_to_sync(counting.acount)([Counted(cast.stream.name, "flv", 40, 1)], now_seconds=time.time())
    with monkeypatch.context() as patch:
        patch.setattr(counting, "done", lambda: None)
        collector.flush(now=now)
    async_to_sync(counting.acount)([Counted(cast.stream.name, "flv", 2, 0)], now_seconds=time.time())
    Collector(run=run).follow(listed(cast, 0), now=now)
    second = Collector(run=run)
    second.follow(listed(cast, 0), now=now)
    second.flush(now=now)
    second.flush(now=now)
    assert sums()["flv"] == (42, 1)


def test_what_nobody_takes_does_not_fill_redis(run, monkeypatch):
    monkeypatch.setattr(counting, "MOST_FIELDS", 1)
    tell = async_to_sync(counting.acount)
    tell([Counted("a", "flv", 1, 1)], now_seconds=0)
    with pytest.raises(counting.TooMuchWaits):
        tell([Counted("b", "flv", 1, 1)], now_seconds=0)
    shared().delete(counting.NOW)


def add(cast, minutes_ago: int, kind: str, size: int) -> None:
    minute = clock.now().replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago)
    MinuteTraffic.objects.create(
        stream=cast.stream, room=cast.room, app=cast.app, minute=minute, kind=kind, bytes=size, requests=1
    )


@pytest.mark.parametrize("step", ["minute", "hour", "day"])
def test_sums_peaks_and_points_fit_each_other(cast, step):
    for ago, kind, size in (
        (1, "push", 750_000),
        (30, "flv", 7_500_000),
        (30, "hls", 7_500_000),
        (31, "flv", 1_500_000),
    ):
        add(cast, ago, kind, size)
    now = clock.now()
    found = selectors.traffic(
        rows=selectors.rows_of(app_id=cast.app.pk, room_id=cast.room.pk), since=now - timedelta(hours=2), until=now,
        step=step, now=now,
    )  # fmt: skip
    assert found.kinds == {"push": 750_000, "flv": 9_000_000, "hls": 7_500_000}
    assert sum(point.out_bytes for point in found.points) == 16_500_000
    assert (found.out_peak.kbps, found.in_peak.kbps) == (2000, 100)
    assert 50 <= found.in_kbps <= 100
    assert found.out_kbps == 0
    (share,) = selectors.busiest_streams(app_id=cast.app.pk, since=now - timedelta(days=1), until=now, at_most=5)
    assert (share.stream, share.in_bytes, share.out_bytes) == (cast.stream.name, 750_000, 16_500_000)


def test_old_minutes_are_forgotten(cast):
    for ago in (10, 33 * 24 * 60):
        add(cast, ago, "push", 1)
    prune_traffic(now=clock.now())
    assert MinuteTraffic.objects.count() == 1
