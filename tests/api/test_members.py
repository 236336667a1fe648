"""Who is in a room, over REST: the latest first, as the room sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from interactions.delivery.presence import Presence
from interactions.room_refs import ref
from liveroom.accounts.models import App, Person
from liveroom.rooms.models import Room
from tests.helpers.problems import refused


@pytest.fixture
def here(cast) -> Callable[..., None]:
    """`here("mia", None)`: these are in stella's room, one after the other."""

    def here(*people: str | None) -> None:
        async def come() -> None:
            presence = Presence("socket-1", apart_seconds=0)
            heart = asyncio.ensure_future(presence.run())
            for person in people:
                presence.entered(room=ref(cast.room), person=person, shown=None, counted=True)
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.15)
            heart.cancel()

        asyncio.run(come())

    return here


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [member["id"] for member in answer.json()["results"]]


def test_the_latest_come_first_with_role_and_profile(cast, here):
    Person.objects.filter(pk=cast.mia.pk).update(level=7, avatar="https://example.com/a.png")
    App.objects.filter(pk=cast.app.pk).update(admin_identifiers=["zed"])
    here("stella", None, "max", "mia", "zed", None)
    body = cast.api(cast.mia).get("rooms/r1/members").json()
    assert body["next"] is None
    assert [(member["id"], member["role"]) for member in body["results"]] == [
        ("zed", "owner"), ("mia", "member"), ("max", "admin"), ("stella", "owner"),
    ]  # fmt: skip
    mia = body["results"][1]
    assert mia.pop("joined_at") > 1_700_000_000_000
    assert mia == {"id": "mia", "nick": "Mia", "avatar": "https://example.com/a.png", "level": 7, "role": "member"}
    assert cast.api(None).get("rooms/r1/online", {"sdkappid": cast.app.sdkappid}).json() == {"online": 6, "sockets": 6}


def test_pages_show_as_many_as_the_app_says(cast, here):
    Person.objects.bulk_create(Person(app=cast.app, identifier=f"p{number:02}") for number in range(45))
    here(*(f"p{number:02}" for number in range(45)))
    mia = cast.api(cast.mia)
    assert ids(mia.get("rooms/r1/members", {"limit": 1000})) == [f"p{number:02}" for number in range(44, 14, -1)]
    App.objects.filter(pk=cast.app.pk).update(members_count=1000)
    found, path = [], "rooms/r1/members?limit=20"
    while path:
        answer = mia.get(path)
        found += ids(answer)
        path = answer.json()["next"] and "/api/v1/" + answer.json()["next"].split("/api/v1/")[1]
    assert found == [f"p{number:02}" for number in range(44, -1, -1)]


def test_it_costs_two_questions_however_many_are_here(cast, here, django_assert_max_num_queries):
    Person.objects.bulk_create(Person(app=cast.app, identifier=f"p{number:02}") for number in range(30))
    here(*(f"p{number:02}" for number in range(30)))
    server = cast.server()
    with django_assert_max_num_queries(8) as few:
        server.get("rooms/r1/members", {"limit": 1})
    with django_assert_max_num_queries(len(few)):
        assert len(ids(server.get("rooms/r1/members", {"limit": 30}))) == 30


def test_who_may_not_enter_does_not_see_who_is_in(cast, here):
    here("mia")
    Room.objects.filter(pk=cast.room.pk).update(allow_list_only=True)
    refused(cast.api(cast.zed).get("rooms/r1/members"), 403, 10007)
    assert ids(cast.api(cast.stella).get("rooms/r1/members")) == ["mia"]
    refused(cast.api(cast.rita).get("rooms/r1/members"), 404, 10010)


@pytest.mark.parametrize("cursor", ["x", "", "AAAA", "LTE6bWlh", "MTox", "é", "OTk5OTk5OTk5OTk5OTk5OTk5OTk6bQ=="])
def test_a_cursor_that_is_not_ours_is_refused_or_harmless(cast, here, cursor):
    here("mia")
    answer = cast.api(cast.mia).get("rooms/r1/members", {"cursor": cursor})
    if cursor == "MTox":  # 1:1, a moment long ago
        assert ids(answer) == []
    else:
        assert refused(answer, 400, 10004)["field"] == "cursor"


@pytest.mark.parametrize("limit", ["0", "-1", "x", "², ", "99999999999999999999"])
def test_a_limit_that_is_none_is_brought_into_bounds(cast, here, limit):
    here("mia")
    assert ids(cast.api(cast.mia).get("rooms/r1/members", {"limit": limit})) == ["mia"]
