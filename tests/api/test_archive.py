"""The archive as those see it who run a room: over REST, and staff in the console."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from interactions.chat.archive.archiver import Archiver
from interactions.models import ArchivedMessage
from liveroom.kernel.data.redis import key, shared
from liveroom.rooms.models import Room
from tests.api.test_schema import fits
from tests.helpers.archive import ROOM, said, tick
from tests.helpers.console import page
from tests.helpers.people import Cast
from tests.helpers.problems import given, refused

pytestmark = pytest.mark.django_db

NOON = int(datetime(2026, 5, 1, 12, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture(autouse=True)
def archived(cast: Cast) -> None:
    """Five comments a minute apart from noon on; the third was sampled. Then a change of the status."""
    Room.objects.filter(pk=cast.room.pk).update(created_at=datetime(2026, 5, 1, tzinfo=UTC))
    client = shared()
    for minute, by in enumerate(("mia", "zed", "mia", "zed", "mia")):
        at = NOON + minute * 60_000
        if minute == 2:
            tick(client, sampled=(b"rate " + said(None, "too much", by=by),), at=at)
        else:
            tick(client, said(minute + 1, by=by), at=at)
    tick(client, b'{"seq":6,"type":"status","t":1,"status":"live"}', at=NOON + 300_000)
    Archiver(consumer="a").drain()


def test_who_runs_the_room_reads_it_newest_first(cast: Cast) -> None:
    for api in (cast.api(cast.stella), cast.api(cast.max), cast.server()):
        answer = api.get("rooms/r1/archive")
        fits("rooms_archive_list", answer)
        assert [row["seq"] for row in given(answer)["results"]] == [6, 5, 4, None, 2, 1]
    sampled = given(cast.api(cast.max).get("rooms/r1/archive"))["results"][3]
    assert (sampled["sampled"], sampled["sender"], sampled["text"]) == ("rate", "mia", "too much")
    assert sampled["at"] == "2026-05-01T12:02:00Z"
    assert sampled["event"]["from"]["nick"] == "Mia"


def test_others_do_not(cast: Cast) -> None:
    refused(cast.api(cast.mia).get("rooms/r1/archive"), 403, 10007)
    refused(cast.api(None).get("rooms/r1/archive", {"sdkappid": cast.app.sdkappid}), 401, 70002)
    refused(cast.api(cast.rita).get("rooms/r1/archive"), 404, 10010)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"sender": "zed"}, [4, 2]),
        ({"type": "status"}, [6]),
        ({"sampled": "true"}, [None]),
        ({"sampled": "false", "sender": "mia"}, [5, 1]),
        ({"since": str(NOON + 180_000)}, [6, 5, 4]),
        ({"since": "2026-05-01T12:01:00Z", "until": "2026-05-01T14:03:00+02:00"}, [None, 2]),
        ({"until": str(NOON)}, []),
        ({"sender": "nobody"}, []),
    ],
)
def test_filters_narrow_it(cast: Cast, filters: dict[str, str], found: list[int | None]) -> None:
    answer = given(cast.api(cast.stella).get("rooms/r1/archive", filters))
    assert [row["seq"] for row in answer["results"]] == found


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("since", "yesterday"), ("since", "2026-02-31T00:00:00Z"), ("until", "2026-05-01T12:00:00"), ("until", "9" * 15),
     ("until", "0001-01-01T00:00:00+14:00"), ("since", ""), ("sampled", "maybe"), ("cursor", "cD1ub25zZW5zZQ==")],
)  # fmt: skip
def test_a_filter_that_is_none_is_refused_by_name(cast: Cast, field: str, wrong: str) -> None:
    assert refused(cast.api(cast.stella).get("rooms/r1/archive", {field: wrong}), 400, 10004)["field"] == field


def test_pages_follow_each_other_without_a_gap_while_more_is_said(cast: Cast) -> None:
    api, found = cast.api(cast.stella), []
    answer = given(api.get("rooms/r1/archive", {"limit": 2, "sampled": "false"}))
    tick(shared(), said(7))
    Archiver(consumer="a").drain()
    while True:
        found += [row["seq"] for row in answer["results"]]
        if not answer["next"]:
            break
        answer = given(api.get(answer["next"].removeprefix("http://testserver")))
    assert found == [6, 5, 4, 2, 1]


def test_staff_search_it_in_the_console(staff: Client, cast: Cast) -> None:
    url = reverse("admin:interactions_archivedmessage_changelist")
    for query, found in (
        ({"q": "too much"}, 1),
        ({"q": "zed"}, 2),
        ({"heard": "no"}, 1),
        ({"type": "status"}, 1),
        ({"room__id__exact": cast.room.pk}, 6),
        ({"room__id__exact": cast.room.pk + 1}, 0),
        ({"at__year": 2026, "at__month": 5, "at__day": 1}, 6),
        ({"at__year": 2025}, 0),
    ):
        answer = staff.get(url, query)
        assert answer.status_code == 200, query
        assert answer.context["cl"].result_count == found, query
    row = ArchivedMessage.objects.first()
    change = reverse("admin:interactions_archivedmessage_change", args=(row.pk,))
    assert "words 1" in staff.get(change).content.decode()
    assert staff.post(change, {"text": "other"}).status_code == 403


def test_the_rooms_page_says_what_was_delivered_and_what_was_not(staff: Client, stella: Client, cast: Cast) -> None:
    assert "Nothing was said lately." in stella.get(page(cast.room)).content.decode()
    shared().hset(key("counts", ROOM), mapping={"delivered:Normal": 41, "sampled:Low:rate": 17})
    text = " ".join(stella.get(page(cast.room)).content.decode().split())
    assert '<th scope="row">Normal</th> <td>41</td> <td>0</td>' in text
    assert '<td>17 <span class="lr-soft">(rate 17)</span></td>' in text
    assert "All that was said" not in text
    assert "All that was said" in staff.get(page(cast.room)).content.decode()
