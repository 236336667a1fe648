"""Traffic through the door: whose it is, ranges and steps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from liveroom.kernel import clock
from streams.models import MinuteTraffic, Stream
from tests.helpers.problems import given, refused

pytestmark = pytest.mark.django_db


def add(stream: Stream, *, ago: timedelta, kind: str, size: int) -> None:
    minute = (clock.now() - ago).replace(second=0, microsecond=0)
    MinuteTraffic.objects.create(
        stream=stream, room=stream.room, app=stream.room.app, minute=minute, kind=kind, bytes=size, requests=2
    )


@pytest.fixture(autouse=True)
def _traffic(cast, ritas):
    add(cast.stream, ago=timedelta(minutes=5), kind="push", size=7_500_000)
    add(cast.stream, ago=timedelta(minutes=5), kind="flv", size=15_000_000)
    add(cast.stream, ago=timedelta(hours=5), kind="hls", size=30_000_000)
    add(Stream.objects.select_related("room__app").get(room=ritas), ago=timedelta(minutes=5), kind="flv", size=999)


def test_bytes_and_bandwidth_of_a_room(cast):
    for query in ({"room": "r1"}, {"stream": cast.stream.name}):
        for api in (cast.api(cast.stella), cast.api(cast.max), cast.server()):
            found = given(api.get("traffic", query))
            assert (found["in_bytes"], found["out_bytes"]) == (7_500_000, 15_000_000)
            assert found["kinds"] == {"push": 7_500_000, "flv": 15_000_000}
            assert (found["step_seconds"], found["out_peak"]["kbps"]) == (60, 2000)
            (point,) = found["points"]
            assert (point["in_kbps"], point["out_kbps"], point["requests"]) == (1000, 2000, 4)


def test_the_app_is_its_servers(cast):
    day = {"from": (clock.now() - timedelta(days=2)).isoformat()}
    found = given(cast.server().get("traffic", day))
    assert (found["out_bytes"], found["step_seconds"]) == (45_000_000, 3600)
    (share,) = given(cast.server().get("traffic/streams", day))["results"]
    assert (share["stream"], share["room"], share["out_bytes"]) == (cast.stream.name, "r1", 45_000_000)
    for person in (cast.stella, cast.mia):
        refused(cast.api(person).get("traffic"), 403, 10007)
        refused(cast.api(person).get("traffic/streams"), 403, 10007)
    refused(cast.api(cast.mia).get("traffic", {"room": "r1"}), 403, 10007)
    refused(cast.api(cast.rita).get("traffic", {"room": "r1"}), 404)
    refused(cast.api(cast.rita).get("traffic", {"stream": cast.stream.name}), 404)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2030-01-01T00:00:00Z"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2020-01-01T00:00:00Z"}, "from"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-01-03T00:00:00Z", "step": "minute"}, "step"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-03-03T00:00:00Z", "step": "hour"}, "step"),
        ({"step": "second"}, "step"),
        ({"stream": "x", "room": "r1"}, "room"),
    ],
)
def test_a_range_that_is_none_is_refused(cast, query, field):
    assert refused(cast.server().get("traffic", query), 400, 10004)["field"] == field
