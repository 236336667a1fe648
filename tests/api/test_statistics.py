"""Shows in numbers as those see them who run a room: over REST and in the console."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interactions.models import MinuteStat
from interactions.statistics.api import HEADER
from interactions.statistics.services.summarising import summarise_due
from liveroom.rooms.models import LiveSession, Room
from tests.api.test_schema import fits
from tests.helpers.people import Cast
from tests.helpers.problems import given, refused

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def show(room: Room, sequence: str, *, hours: int = 0, minutes: int = 5, ended: bool = True) -> LiveSession:
    """A show of that many minutes from noon on, with 10, 20, 30 … viewers; in its third minute nobody looked."""
    begins = NOON + timedelta(hours=hours)
    session = LiveSession.objects.create(room=room, sequence=sequence, started_at=begins)
    if ended:
        LiveSession.objects.filter(pk=session.pk).update(
            ended_at=begins + timedelta(minutes=minutes) - timedelta(seconds=1)
        )
    rows = [
        MinuteStat(
            session=session, minute=begins + timedelta(minutes=number), samples=6, online_sum=6 * 10 * (number + 1),
            online_peak=10 * (number + 1), watch_seconds=600 * (number + 1), likes=number, likes_total=number,
        )
        for number in range(minutes)
        if number != 2
    ]  # fmt: skip
    MinuteStat.objects.bulk_create(rows)
    session.refresh_from_db()
    return session


def text_of(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


def test_who_runs_the_room_lists_its_shows_latest_first(cast: Cast) -> None:
    for number in range(5):
        show(cast.room, f"s{number}", hours=number)
    show(cast.room, "now", hours=5, ended=False)
    summarise_due(now=NOON + timedelta(hours=6))
    for api in (cast.api(cast.stella), cast.api(cast.max), cast.server()):
        answer = api.get("rooms/r1/sessions", {"limit": 4})
        fits("rooms_sessions_list", answer)
        page = given(answer)
        assert [row["sequence"] for row in page["results"]] == ["now", "s4", "s3", "s2"]
        assert page["results"][0]["summary"] is None
        assert page["results"][1]["summary"]["online_peak"] == 50
        rest = given(api.get(page["next"].replace("http://testserver", "")))
        assert [row["sequence"] for row in rest["results"]] == ["s1", "s0"]


def test_a_show_is_told_minute_by_minute(cast: Cast) -> None:
    show(cast.room, "s1")
    running = given(cast.api(cast.stella).get("sessions/s1/statistics"))
    assert running["summary"] is None
    summarise_due(now=NOON + timedelta(hours=1))
    answer = cast.api(cast.max).get("sessions/s1/statistics")
    fits("sessions_statistics_get", answer)
    found = given(answer)
    assert found["session"] == {
        "sequence": "s1", "room": "r1", "started_at": "2026-05-01T12:00:00Z", "ended_at": "2026-05-01T12:04:59Z", "end_reason": "",
    }  # fmt: skip
    assert (found["summary"]["online_peak"], found["summary"]["online_mean"]) == (50, 30.0)
    assert found["minutes_each"] == 1
    assert [row["online_mean"] for row in found["minutes"]] == [10.0, 20.0, None, 40.0, 50.0]
    assert found["minutes"][2]["minute"] == "2026-05-01T12:02:00Z"


def test_of_a_show_that_lasts_for_days_several_minutes_are_told_as_one(cast: Cast) -> None:
    session = show(cast.room, "s1")
    LiveSession.objects.filter(pk=session.pk).update(ended_at=NOON + timedelta(days=3))
    found = given(cast.server().get("sessions/s1/statistics"))
    assert (found["minutes_each"], len(found["minutes"])) == (4, 1081)
    assert found["minutes"][0]["online_peak"] == 40
    assert sum(row["likes"] for row in found["minutes"]) == 8


@pytest.mark.django_db(transaction=True)
def test_the_same_as_a_table(cast: Cast) -> None:
    """Committed: a file is written while it is sent, on connections of its own."""
    show(cast.room, "s1", minutes=1_201)
    LiveSession.objects.create(room=cast.room, sequence="s2", started_at=NOON)
    empty = cast.api(cast.stella).get("sessions/s2/statistics.csv")
    assert text_of(empty).splitlines() == [",".join(HEADER)]
    answer = cast.api(cast.stella).get("sessions/s1/statistics.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="statistics-s1.csv"'
    rows = list(csv.DictReader(io.StringIO(text_of(answer))))
    assert len(rows) == 1_200
    assert (rows[0]["minute"], rows[0]["online_mean"]) == ("2026-05-01T12:00:00.000+00:00", "10.0")
    assert rows[-1]["online_peak"] == "12010"


def test_a_show_that_nobody_counted_is_a_line_of_nothing(cast: Cast) -> None:
    LiveSession.objects.create(room=cast.room, sequence="s1", started_at=NOON, ended_at=NOON)
    found = given(cast.api(cast.stella).get("sessions/s1/statistics"))
    assert [(row["online_mean"], row["comments"]) for row in found["minutes"]] == [(None, 0)]


@pytest.mark.parametrize("path", ["sessions/s1/statistics", "sessions/s1/statistics.csv", "rooms/r1/sessions"])
def test_others_do_not_see_them(cast: Cast, path: str) -> None:
    show(cast.room, "s1")
    refused(cast.api(cast.mia).get(path), 403, 10007)
    refused(cast.api(None).get(path, {"sdkappid": cast.app.sdkappid}), 401, 70002)
    refused(cast.api(cast.rita).get(path), 404, 10010)
    refused(cast.api(cast.rita).get(path, {"sdkappid": cast.app.sdkappid}), 404, 10010)


@pytest.mark.parametrize("sequence", ["s2", "S1", "s1%00", "%F0%9F%92%A9", "s" * 300, "1"])
def test_a_show_that_is_not_there(cast: Cast, sequence: str) -> None:
    show(cast.room, "s1")
    refused(cast.api(cast.stella).get(f"sessions/{sequence}/statistics"), 404, 10010)
