"""A show's page in the console: whose it is, what it draws and says, and that nobody sees another's numbers."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from interactions.statistics.selectors import latest_summaries
from interactions.statistics.services.summarising import summarise_due
from liveroom.console.figures import plots
from liveroom.kernel import clock
from liveroom.rooms.models import LiveSession, Room
from tests.api.test_statistics import NOON, show
from tests.helpers.console import page
from tests.helpers.people import Cast

pytestmark = pytest.mark.django_db

DAY = NOON + timedelta(days=1)


def page_of(session: LiveSession) -> str:
    return reverse("admin:rooms_livesession_change", args=(session.pk,))


def csv_of(session: LiveSession) -> str:
    return reverse("admin:rooms_livesession_statistics_csv", args=(session.pk,))


def drawn(text: str, name: str) -> dict[str, list[object]]:
    """What the plot of that name draws: label -> values."""
    canvas = re.search(rf'id="plot-{name}".*?data-value="(.*?)" data-options="(.*?)"', text, re.S)
    assert canvas, name
    value, options = (json.loads(part.replace("&quot;", '"')) for part in canvas.groups())
    assert options["scales"]["y"]["beginAtZero"]
    assert all(len(one["data"]) == len(value["labels"]) for one in value["datasets"])
    return {one["label"]: one["data"] for one in value["datasets"]}


def test_a_show_is_drawn_and_told_minute_by_minute(stella: Client, cast: Cast) -> None:
    session = show(cast.room, "s1")
    summarise_due(now=DAY)
    text = stella.get(page_of(session)).content.decode()
    assert drawn(text, "online") == {"mean": [10, 20, None, 40, 50], "peak": [10, 20, None, 40, 50]}
    assert drawn(text, "likes") == {"likes": [0, 1, 0, 3, 4]}
    assert drawn(text, "gift_value") == {cast.app.currency: [0] * 5}
    assert 'aria-label="Viewers per minute, at most 50 at once.' in text
    assert "1 May 12:04" in text
    assert csv_of(session) in text
    assert "first stream of the room" in text
    assert 'src="/static/console/follow.js"' not in text


def test_a_show_stands_beside_the_last_ten_and_words_say_how(stella: Client, cast: Cast) -> None:
    for number in range(12):
        last = show(cast.room, f"s{number}", hours=number, minutes=4)
    best = show(cast.room, "best", hours=20, minutes=8)
    for _ in range(2):
        summarise_due(now=DAY)
    text = stella.get(page_of(best)).content.decode()
    [peaks] = drawn(text, "beside-online_peak").values()
    assert peaks == [40] * 9 + [80]
    assert "100 % more than the mean of the 9 others" in text
    assert text.count('aria-current="true"') == 1
    # An older one is compared with those before it.
    text = stella.get(page_of(last)).content.decode()
    assert next(iter(drawn(text, "beside-online_peak").values())) == [40] * 10
    assert "as the mean of the 9 others" in text


def test_while_it_is_on_the_page_follows_and_is_compared_as_it_stands(stella: Client, cast: Cast) -> None:
    show(cast.room, "s1", minutes=4)
    summarise_due(now=DAY)
    running = show(cast.room, "s2", hours=2, ended=False)
    text = stella.get(page_of(running)).content.decode()
    assert 'data-running="yes"' in text
    assert "console/follow.js" in text
    assert next(iter(drawn(text, "beside-online_peak").values())) == [40, 50]
    # So long ago that a point stands for many minutes; the numbers are all in it.
    assert "stand for" in text
    assert 50 in drawn(text, "online")["peak"]


def test_a_show_that_nobody_counted_has_a_page(staff: Client, cast: Cast) -> None:
    session = LiveSession.objects.create(room=cast.room, sequence="s1", started_at=NOON, ended_at=NOON)
    text = staff.get(page_of(session)).content.decode()
    assert "being counted" in text
    assert drawn(text, "online")["mean"] == [None]


def test_a_streamer_sees_the_shows_of_her_own_open_rooms_only(stella: Client, cast: Cast, ritas: Room) -> None:
    own, others = show(cast.room, "mine1"), show(ritas, "ritas1")
    summarise_due(now=DAY)
    listed = stella.get(reverse("admin:rooms_livesession_changelist")).content.decode()
    assert "mine1" in listed
    for text in (listed, stella.get(page_of(own)).content.decode(), stella.get("/admin/").content.decode()):
        assert "ritas1" not in text
        assert "Rita" not in text
    for url in (page_of(others), csv_of(others), reverse("admin:rooms_livesession_history", args=(others.pk,))):
        assert stella.get(url).status_code == 404
    Room.objects.filter(pk=cast.room.pk).update(disbanded_at=clock.now())
    for url in (page_of(own), csv_of(own)):
        assert stella.get(url).status_code == 404
    assert "Your last stream" not in stella.get("/admin/").content.decode()


def test_her_overview_and_the_rooms_page_show_what_the_last_stream_came_to(stella: Client, cast: Cast) -> None:
    session = show(cast.room, "s1")
    assert "Your last stream" not in stella.get("/admin/").content.decode()
    summarise_due(now=DAY)
    overview = stella.get("/admin/").content.decode()
    assert "Your last stream" in overview
    assert page_of(session) in overview
    assert page_of(session) in stella.get(page(cast.room)).content.decode()


def test_staff_take_the_table_along(staff: Client, cast: Cast) -> None:
    answer = staff.get(csv_of(show(cast.room, "s1")))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (7_500, "2 h 5 min"), (4e6, "1,111 h")]
)  # fmt: skip
def test_spans(seconds: float, said: str) -> None:
    assert plots.span(seconds) == said


def test_statements_of_the_page_do_not_grow_with_the_show(
    stella: Client, cast: Cast, django_assert_max_num_queries
) -> None:
    for number in range(3):
        session = show(cast.room, f"s{number}", hours=5 * number, minutes=200)
    summarise_due(now=DAY)
    assert len(latest_summaries(session=session, count=10)) == 3
    with django_assert_max_num_queries(25):
        stella.get(page_of(session))
