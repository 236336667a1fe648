"""Once is once: idempotency keys, leases and versions, also with many threads at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connections

from liveroom.accounts.services import tokens
from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter, Conflict, NotFound
from liveroom.kernel.models import KeptAnswer, Lease
from liveroom.kernel.web import idempotency
from liveroom.kernel.work import leases
from liveroom.rooms.models import Room, RoomAttribute
from liveroom.rooms.services.attributes import AttributeConflict, change_counters, write_attributes
from liveroom.rooms.services.status import set_status
from tests.helpers.people import STAFF, make_cast
from tests.helpers.published import room_events

THREADS = 20


def at_once(work: Callable[[int], Any], *, threads: int = THREADS) -> list[Any]:
    """What each thread's call gave or raised. Every thread has its own connection and closes it."""

    def one(number: int) -> Any:
        try:
            return work(number)
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def once(act: Callable[[], Any], *, key: str | None = "k1", body: bytes = b"{}", scope: str = "s") -> Any:
    return idempotency.once(scope=scope, key=key, body=body, now=clock.now(), act=act)


# -- Idempotency-Key


@pytest.mark.django_db
def test_the_same_key_brings_the_same_answer_and_no_second_act():
    acts: list[int] = []

    def act() -> tuple[int, dict]:
        acts.append(1)
        return 201, {"n": len(acts), "names": ["a", "é"]}

    first = once(act)
    assert once(act) == first == (201, {"n": 1, "names": ["a", "é"]})
    assert once(act, key="k2")[1]["n"] == 2
    assert once(act, scope="somebody else")[1]["n"] == 3
    assert once(act, key=None)[1]["n"] == 4
    assert once(act, key=None)[1]["n"] == 5


@pytest.mark.django_db
def test_the_same_key_with_another_body_is_a_conflict():
    once(lambda: (201, {}))
    with pytest.raises(Conflict, match="another body") as refused:
        once(lambda: (201, {}), body=b'{"a":1}')
    assert refused.value.status == 409


@pytest.mark.django_db
def test_a_refused_act_keeps_nothing_and_may_be_tried_again():
    def refuse() -> tuple[int, dict]:
        Lease.objects.create(name="trace", holder="x", expires_at=clock.now())
        raise NotFound("no")

    with pytest.raises(NotFound):
        once(refuse)
    assert not KeptAnswer.objects.exists()
    assert not Lease.objects.exists()
    assert once(lambda: (201, {"ok": True})) == (201, {"ok": True})


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "\x00"])
def test_a_key_that_is_none_is_refused(key):
    with pytest.raises(BadParameter):
        once(lambda: (201, {}), key=key)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_with_one_key_act_once():
    acts: list[int] = []

    def act() -> tuple[int, dict]:
        acts.append(1)
        return 201, {"n": len(acts)}

    assert at_once(lambda _: once(act), threads=8) == [(201, {"n": 1})] * 8
    assert acts == [1]


# -- leases


@pytest.mark.django_db
def test_a_lease_has_one_holder_until_it_ends():
    now = clock.now()
    assert leases.take(name="l", holder="a", seconds=10, now=now) == 1
    assert leases.take(name="l", holder="b", seconds=10, now=now) is None
    assert leases.take(name="l", holder="a", seconds=10, now=now + timedelta(seconds=9)) == 1
    assert leases.take(name="l", holder="b", seconds=10, now=now + timedelta(seconds=15)) is None
    assert leases.take(name="l", holder="b", seconds=10, now=now + timedelta(seconds=19)) == 2
    assert leases.take(name="l", holder="a", seconds=10, now=now + timedelta(seconds=20)) is None


@pytest.mark.django_db
def test_a_holder_that_comes_back_late_gets_a_new_token():
    now = clock.now()
    leases.take(name="l", holder="a", seconds=10, now=now)
    assert leases.take(name="l", holder="a", seconds=10, now=now + timedelta(seconds=11)) == 2


@pytest.mark.django_db
def test_a_lease_given_back_is_free_at_once():
    now = clock.now()
    leases.take(name="l", holder="a", seconds=10, now=now)
    leases.give_back(name="l", holder="b", now=now)
    assert leases.take(name="l", holder="b", seconds=10, now=now) is None
    leases.give_back(name="l", holder="a", now=now)
    assert leases.take(name="l", holder="b", seconds=10, now=now) == 2


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_at_once_one_gets_the_lease():
    now = clock.now()
    got = at_once(lambda n: leases.take(name="l", holder=f"p{n}", seconds=10, now=now), threads=8)
    assert sorted(got, key=str) == [1, *[None] * 7]


# -- many writers of one room


@pytest.fixture
def cast(transactional_db):
    return make_cast()


@pytest.mark.django_db(transaction=True)
def test_writers_that_read_and_repeat_lose_nothing(cast):
    """Each adds one letter to the same attribute, with the version that it read: all letters arrive."""
    write_attributes(room=cast.room, values={"n": ""}, replace=False, by=STAFF, now=clock.now())

    def append(number: int) -> int:
        for tries in range(1, 500):
            room = Room.objects.select_related("app").get(pk=cast.room.pk)
            value = RoomAttribute.objects.get(room=room, key="n").value
            try:
                write_attributes(
                    room=room, values={"n": value + chr(97 + number)}, replace=False, by=STAFF, now=clock.now(),
                    expected_version=room.attributes_version,
                )  # fmt: skip
            except AttributeConflict:
                continue
            return tries
        raise AssertionError("never won")

    tries = at_once(append)
    assert all(isinstance(count, int) for count in tries), tries
    row = RoomAttribute.objects.get(room=cast.room, key="n")
    assert sorted(row.value) == [chr(97 + number) for number in range(THREADS)]
    assert row.version == THREADS + 1
    told = [event["version"] for event in room_events("attributes", room=cast.room.key)]
    assert told == list(range(1, THREADS + 2))


@pytest.mark.django_db(transaction=True)
def test_counters_add_up(cast):
    def add(number: int) -> Any:
        return change_counters(room=cast.room, values={"likes": number}, mode="increase", by=STAFF, now=clock.now())

    answers = at_once(add)
    assert all(isinstance(answer, dict) for answer in answers), answers
    assert cast.room.counters.get(key="likes").value == sum(range(THREADS))


@pytest.mark.django_db(transaction=True)
def test_statuses_are_told_in_the_order_in_which_they_were(cast):
    def flip(number: int) -> Any:
        return set_status(room=cast.room, status=("live", "paused")[number % 2], by=STAFF, now=clock.now())

    at_once(flip)
    told = [event["status"] for event in room_events("status", room=cast.room.key)]
    assert told[0] == "live"
    assert all(before != after for before, after in pairwise(told))
    assert told[-1] == Room.objects.get(pk=cast.room.pk).status


@pytest.mark.django_db(transaction=True)
def test_two_first_logins_make_one_person(cast):
    made = at_once(lambda _: tokens.ensure_person(app=cast.app, identifier="newcomer").pk, threads=8)
    assert len(set(made)) == 1
