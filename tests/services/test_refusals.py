"""Refused pushes: told to whom they concern, folded, throttled, bounded, and never lost behind a stranger's."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liveroom.kernel import clock
from liveroom.kernel.data.redis import shared
from streams.engines import BadHook
from streams.models import PushRefusal, Stream
from streams.rules import refusals as rules
from streams.rules.pasted import Problem
from streams.services import known_keys, refusals
from streams.services.publishes import close_publish
from streams.services.publishing import admit_publisher, refuse_unreadable
from streams.services.refusals import Refused
from tests.helpers.pushing import push_hook

pytestmark = pytest.mark.django_db

HOME, STRANGER = "198.51.100.7", "203.0.113.66"


@pytest.fixture
def now():
    return clock.now()


@pytest.fixture(autouse=True)
def _no_keys_of_other_tests():
    known_keys._known.clear()


def turned_away(cast, now, *, address: str = STRANGER, times: int = 1, **changes) -> str:
    changes = changes or {"txSecret": "0" * 32}
    for _ in range(times):
        with pytest.raises(Refused) as error:
            admit_publisher(hook=push_hook(cast.stream, now=now, address=address, **changes), now=now)
    return error.value.reason


def shown(cast, *, address: str = "", at_most: int = 100) -> list[PushRefusal]:
    return refusals.refusals_of(stream=cast.stream, address=address, at_most=at_most)


def forget_turns() -> None:
    """Two seconds later, as far as the throttle is concerned."""
    for key in shared().scan_iter("liveroom:refused:*:turn"):
        shared().delete(key)


def unreadable(cast, *, names: tuple[str, ...] = (), address: str = STRANGER, reason: str = "bad_name") -> BadHook:
    problem = Problem(reason=reason, text="Copy it again.", detail="The technical reason.")
    return BadHook("no", problem=problem, names=names, address=address, given="rtmp://x")


def test_refusals_of_one_kind_from_one_address_are_one_line(cast, now):
    turned_away(cast, now, times=12)
    assert [(row.count, row.first_at, row.address) for row in shown(cast)] == [(12, now, STRANGER)]
    forget_turns()
    turned_away(cast, now + timedelta(minutes=9))
    assert [(row.count, row.first_at, row.at) for row in shown(cast)] == [(13, now, now + timedelta(minutes=9))]
    turned_away(cast, now, address=HOME)
    turned_away(cast, now, txTime=None)
    assert len(shown(cast)) == 3


def test_after_an_hour_of_silence_a_new_line_begins(cast, now):
    turned_away(cast, now)
    forget_turns()
    turned_away(cast, now + timedelta(hours=1, seconds=1))
    assert [row.count for row in shown(cast)] == [1, 1]


def test_a_flood_costs_one_write_until_the_next_turn(cast, now, monkeypatch):
    # Two seconds are over before a slow machine has made its attempts.
    monkeypatch.setattr(refusals, "WRITE_EVERY_SECONDS", 120)
    turned_away(cast, now)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        turned_away(cast, now, times=30)
    written = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert written == []
    assert shown(cast)[0].count == 31


def test_whoever_is_refused_again_and_again_is_no_longer_looked_at(cast, now):
    for _ in range(refusals.ATTEMPTS_PER_MINUTE):
        refusals.count_attempt(name=cast.stream.name, address=STRANGER)
    guess = push_hook(cast.stream, now=now, address=STRANGER, txSecret="0" * 32)
    with pytest.raises(Refused, match="too often"):
        admit_publisher(hook=guess, now=now)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(20):
            with pytest.raises(Refused, match="too often"):
                admit_publisher(hook=guess, now=now)
    assert len(queries) == 0
    assert not PushRefusal.objects.exists()


def test_behind_a_strangers_address_a_real_key_still_gets_in(cast, now):
    for _ in range(refusals.ATTEMPTS_PER_MINUTE):
        refusals.count_attempt(name=cast.stream.name, address=STRANGER)
    with pytest.raises(Refused, match="too often"):
        admit_publisher(hook=push_hook(cast.stream, now=now, address=STRANGER, txTime="7FFFFFFF"), now=now)
    assert admit_publisher(hook=push_hook(cast.stream, now=now, address=STRANGER), now=now).address == STRANGER


def test_another_address_is_not_held_back(cast, now):
    for _ in range(refusals.ATTEMPTS_PER_MINUTE):
        refusals.count_attempt(name=cast.stream.name, address=STRANGER)
    admit_publisher(hook=push_hook(cast.stream, now=now, address=HOME), now=now)


def test_strangers_push_out_strangers_and_never_the_streamers_own_lines(cast, now):
    publish = admit_publisher(hook=push_hook(cast.stream, now=now, address=HOME), now=now)
    close_publish(publish=publish, now=now, reason="left")
    turned_away(cast, now, address=HOME)
    for n in range(rules.KEPT_OF_STRANGERS + 15):
        turned_away(cast, now + timedelta(seconds=n + 1), address=f"203.0.113.{n}")
    rows = shown(cast)
    assert (rows[0].address, rows[0].own) == (HOME, True)
    assert len(rows) == 1 + rules.KEPT_OF_STRANGERS
    assert rows[1].address == f"203.0.113.{rules.KEPT_OF_STRANGERS + 14}"


@pytest.mark.parametrize("how", ["looked", "real key"])
def test_what_the_streamer_is_known_by(cast, now, how):
    if how == "looked":
        refusals.remember_address(room_key=cast.room.key, address=HOME, now=now)
        turned_away(cast, now, address=HOME)
    else:
        with pytest.raises(Refused):
            admit_publisher(hook=push_hook(cast.stream, now=now, address=HOME, valid=-timedelta(hours=1)), now=now)
    turned_away(cast, now + timedelta(minutes=1))
    assert [(row.address, row.own) for row in shown(cast)] == [(HOME, True), (STRANGER, False)]


def test_whoever_asks_sees_what_came_from_the_same_address_first(cast, now):
    turned_away(cast, now, address=HOME)
    turned_away(cast, now + timedelta(minutes=1))
    assert [row.address for row in shown(cast, address=HOME)] == [HOME, STRANGER]
    assert [row.address for row in shown(cast)] == [STRANGER, HOME]


def test_what_names_no_stream_is_for_staff_and_for_whoever_looks_from_there(cast, now):
    refuse_unreadable(bad=unreadable(cast, names=("nobody", "at-all"), address=HOME), now=now)
    turned_away_hook = push_hook(Stream(name="nowhere", room=cast.room), now=now, address=HOME)
    with pytest.raises(Refused, match="copy it again"):
        admit_publisher(hook=turned_away_hook, now=now)
    assert {(row.reason, row.given) for row in PushRefusal.objects.filter(stream=None)} == {
        ("bad_name", "rtmp://x"),
        ("unknown_stream", "nowhere"),
    }
    seen = refusals.refusals_from(address=HOME, now=now, at_most=10)
    assert {row.reason for row in seen} == {"bad_name", "unknown_stream"}
    assert refusals.refusals_from(address=STRANGER, now=now, at_most=10) == []
    assert refusals.refusals_from(address="", now=now, at_most=10) == []
    assert refusals.refusals_from(address=HOME, now=now + timedelta(days=2), at_most=10) == []


def test_what_names_a_stream_is_told_there(cast, now):
    refuse_unreadable(bad=unreadable(cast, names=("nobody", cast.stream.name)), now=now)
    row = shown(cast)[0]
    assert (row.text, row.detail, row.given, row.code) == ("Copy it again.", "The technical reason.", "rtmp://x", 308)


def test_what_names_no_stream_stays_bounded(cast, now, monkeypatch):
    monkeypatch.setattr(rules, "KEPT_UNKNOWN", 20)
    for n in range(40):
        refuse_unreadable(bad=unreadable(cast, address=f"203.0.113.{n}"), now=now + timedelta(seconds=n))
    assert PushRefusal.objects.filter(stream=None).count() == 20
    for n in range(20):
        refuse_unreadable(bad=unreadable(cast, address=STRANGER, reason=f"r{n}"), now=now + timedelta(minutes=2))
    assert PushRefusal.objects.filter(stream=None, address=STRANGER).count() == rules.KEPT_UNKNOWN_PER_ADDRESS


def test_one_household_counts_as_one_address(cast, now):
    for n in range(5):
        turned_away(cast, now, address=f"2001:db8:0:1::{n}")
    assert PushRefusal.objects.count() == 1


def test_without_redis_refusals_are_told_and_bounded_all_the_same(cast, now, monkeypatch):
    def away(*args, **more):
        raise redis.ConnectionError("away")

    monkeypatch.setattr(redis.Redis, "execute_command", away)
    monkeypatch.setattr(redis.client.Pipeline, "execute", away)
    for n in range(5):
        turned_away(cast, now + timedelta(seconds=n))
    rows = PushRefusal.objects.filter(stream=cast.stream)
    assert [row.count for row in rows] == [5]
