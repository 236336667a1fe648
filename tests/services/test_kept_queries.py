"""A kept query finds what its queryset finds, whatever it is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Model

from liveroom.accounts import selectors as accounts
from liveroom.accounts.models import App, Person
from liveroom.kernel.data.kept_queries import KeptQuery
from liveroom.kernel.web.shapes import all_shown, shown
from liveroom.rooms import selectors as rooms
from liveroom.rooms.api.serializers import RoomSerializer
from liveroom.rooms.models import Room
from tests.helpers.people import Cast

HOSTILE = ["", "' OR 1=1 --", "%s", "%(x)s", "?", "R1", "r1 ", "kept query: group_id", "\u202e\U0001f642", "r1\\"]


def all_of(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.mark.parametrize(
    "found",
    [
        lambda cast: rooms.room(app_id=cast.app.pk, group_id="r1"),
        lambda cast: rooms.room_of(cast.app, group_id="r1"),
    ],
    ids=["with its app", "beside its app"],
)
def test_a_row_is_the_same_with_everything_that_hangs_on_it(cast: Cast, found: Callable[[Cast], Room]) -> None:
    Room.objects.filter(pk=cast.room.pk).update(tag_line="|a|ü|", fields={"k": "v"}, viewer_limit=7)
    kept = found(cast)
    plain = rooms.ROOMS.get(pk=cast.room.pk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "cursor", None)  # nothing more is asked
        assert all_of(kept) == all_of(plain)
        assert all_of(kept.app) == all_of(plain.app)
        assert all_of(kept.owner) == all_of(plain.owner)
        assert kept.status_at.utcoffset() == plain.status_at.utcoffset()
    assert not kept._state.adding
    kept.title = "changed"
    kept.save(update_fields=["title"])
    assert rooms.room(app_id=cast.app.pk, group_id="r1").title == "changed"


@pytest.mark.parametrize("text", HOSTILE)
def test_values_are_values(cast: Cast, text: str) -> None:
    assert accounts.member(sdkappid=cast.app.sdkappid, identifier=text) is None
    Person.objects.create(app=cast.app, identifier=text or "empty")
    found = accounts.member(sdkappid=cast.app.sdkappid, identifier=text or "empty")
    assert found is not None
    assert found.identifier == (text or "empty")
    assert accounts.member(sdkappid=cast.app.sdkappid + 1, identifier=text) is None


def test_all_come_in_the_order_of_the_queryset(cast: Cast) -> None:
    kept: KeptQuery[App] = KeptQuery(lambda: App.objects.order_by("-id"))
    assert kept.all() == list(App.objects.order_by("-id"))
    assert len(kept.all()) == 2


def test_numbers_may_be_larger_than_any_row_has(cast: Cast) -> None:
    assert accounts.app_of_number(10**15 - 1) is None
    assert accounts.app_of_number(cast.app.sdkappid) == cast.app


@pytest.mark.django_db
def test_what_cannot_be_kept_is_refused_when_it_is_first_asked() -> None:
    twisted: KeptQuery[App] = KeptQuery(lambda *, name: App.objects.filter(name__icontains=name), name=str)
    with pytest.raises(TypeError):
        twisted.all(name="x")
    added: KeptQuery[App] = KeptQuery(lambda: App.objects.annotate(twice=F("sdkappid") * 2))
    with pytest.raises(TypeError):
        added.all()


def test_a_shape_is_what_its_serializer_says_and_serves_many_threads(cast: Cast) -> None:
    listed = list(rooms.ROOMS.all())
    wanted = [dict(RoomSerializer(room).data) for room in listed]
    assert all_shown(RoomSerializer, listed) == wanted
    wrong: list[Any] = []

    def look() -> None:
        for room, answer in zip(listed * 50, wanted * 50, strict=True):
            if shown(RoomSerializer, room) != answer:
                wrong.append(room)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
