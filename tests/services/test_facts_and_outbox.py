"""What happened, who hears of it, and in which order it is told: facts in the transaction, letters after it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

import pytest
from django.db import transaction

from interactions.delivery.rooms.log import history_now
from interactions.room_refs import ref
from liveroom.kernel import clock, facts, outbox
from liveroom.kernel.data.redis import key, redis_for
from liveroom.kernel.facts import Fact, Subscription
from liveroom.kernel.models import OutboxRow
from liveroom.rooms.facts import NoticeChanged
from liveroom.rooms.models import Room
from liveroom.rooms.services.rooms import change_room


@pytest.fixture
def table() -> Iterator[dict]:
    """A table of facts that may be changed, and is put back."""
    before = facts._table.rows
    facts._table.rows = changed = dict(before)
    yield changed
    facts._table.rows = before


@pytest.fixture
def carried() -> Iterator[list]:
    """One topic, `test`, whose carrier notes what it gets and fails for rooms that begin with `bad`."""
    before, notes = (outbox._table.handlers, outbox._table.queues), []

    def carry(letter: outbox.OutboxMessage) -> None:
        if letter.room_key.startswith("bad"):
            raise RuntimeError("this room cannot be told")
        notes.append((letter.room_key, letter.payload["n"], letter.event_id))

    outbox.install({"test": carry})
    yield notes
    outbox.install(*before)


@dataclasses.dataclass(frozen=True, slots=True)
class Rehearsed(Fact):
    """Nobody's fact."""


def _fail(fact: Fact) -> None:
    raise RuntimeError("cannot")


@pytest.mark.django_db
def test_a_durable_handler_that_fails_takes_the_change_with_it(cast, table):
    table[NoticeChanged] = [*table[NoticeChanged], Subscription(NoticeChanged, _fail)]
    OutboxRow.objects.all().delete()
    with pytest.raises(RuntimeError):
        change_room(room=cast.room, changes={"notice": "new"}, by=cast.actor(cast.stella), now=clock.now())
    assert Room.objects.get(pk=cast.room.pk).notice == ""
    assert not OutboxRow.objects.exists()


@pytest.mark.django_db
def test_a_later_handler_that_fails_is_logged_and_stops_nobody(cast, table, django_capture_on_commit_callbacks, caplog):
    heard: list[Fact] = []
    table[NoticeChanged] = [Subscription(NoticeChanged, call, after_commit=True) for call in (_fail, heard.append)]
    with caplog.at_level(logging.ERROR), django_capture_on_commit_callbacks(execute=True):
        change_room(room=cast.room, changes={"notice": "new"}, by=cast.actor(cast.stella), now=clock.now())
        assert heard == []
    assert Room.objects.get(pk=cast.room.pk).notice == "new"
    assert [type(fact).__name__ for fact in heard] == ["NoticeChanged"]
    assert "_fail failed for NoticeChanged" in caplog.text


@pytest.mark.django_db
def test_a_fact_without_a_row_is_refused(table):
    assert Rehearsed not in table
    with pytest.raises(facts.UnknownFact, match="Rehearsed"):
        facts.state(Rehearsed())


@pytest.mark.django_db(transaction=True)
def test_a_fact_outside_a_transaction_is_refused(table):
    table[Rehearsed] = [Subscription(Rehearsed, _fail)]
    with pytest.raises(transaction.TransactionManagementError, match="Rehearsed"):
        facts.state(Rehearsed())


# -- the outbox


def put(room: str, n: int) -> None:
    outbox.put(topic="test", room_key=room, payload={"n": n}, now=clock.now())


@pytest.mark.django_db
def test_letters_of_a_room_are_told_in_order_and_once(carried):
    for n in range(5):
        put("a", n)
        put("b", n)
    assert outbox.handle_pending(now=clock.now()) == (10, 0)
    assert outbox.handle_pending(now=clock.now()) == (0, 0)
    for room in ("a", "b"):
        assert [n for key, n, _ in carried if key == room] == [0, 1, 2, 3, 4]
    assert len({event for _, _, event in carried}) == 10


@pytest.mark.django_db
def test_a_room_that_cannot_be_told_waits_and_the_others_go_on(carried):
    put("bad", 0)
    put("a", 1)
    put("bad", 2)
    put("a", 3)
    assert outbox.handle_pending(now=clock.now()) == (2, 1)
    assert [n for _, n, _ in carried] == [1, 3]
    first, second = OutboxRow.objects.filter(room_key="bad").order_by("id")
    assert (first.tries, second.tries, first.done_at) == (1, 0, None)
    assert first.last_error == "RuntimeError: this room cannot be told"
    OutboxRow.objects.filter(room_key="bad").update(room_key="good")
    assert outbox.handle_pending(now=clock.now()) == (2, 0)
    assert [n for _, n, _ in carried] == [1, 3, 0, 2]


@pytest.mark.django_db
def test_a_room_with_more_letters_than_a_batch_stops_no_other(carried):
    for n in range(outbox.ROUND + 5):
        put("bad", n)
    put("a", 1)
    told, failed = outbox.handle_pending(now=clock.now())
    assert (told, failed) == (1, 1)
    assert [key for key, _, _ in carried] == ["a"]


@pytest.mark.django_db
def test_a_gathered_room_with_thousands_of_letters_stands_in_nobodys_way(carried, monkeypatch):
    seen: list[list[tuple[str, int]]] = []

    def gather(letters: Sequence[outbox.OutboxMessage], now: datetime) -> outbox.Handled:
        seen.append([(letter.room_key, letter.payload["n"]) for letter in letters])
        return outbox.Handled(done=[letter.event_id for letter in letters])

    outbox.install({"test": outbox.BatchHandler(gather, per_room=3)})
    monkeypatch.setattr(outbox, "BATCH", 4)
    for n in range(5):
        put("full", n)
    put("a", 5)
    for _ in range(3):
        outbox.handle_batches(now=clock.now())
    assert seen == [[("full", 0), ("full", 1), ("full", 2), ("a", 5)], [("full", 3), ("full", 4)]]


@pytest.mark.django_db
def test_a_topic_that_nobody_carries_is_refused(carried):
    with pytest.raises(LookupError, match=r"wiring\.py"):
        outbox.put(topic="unknown", room_key="a", payload={}, now=clock.now())


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_never_told(carried):
    with transaction.atomic():
        put("a", 1)
        transaction.set_rollback(True)
    assert outbox.handle_pending(now=clock.now()) == (0, 0)


@pytest.mark.django_db
def test_a_letter_that_is_carried_twice_is_one_event_for_the_room(cast):
    """The relay may die between telling and noting it: the room's own memory of the event's id catches that."""
    OutboxRow.objects.all().delete()
    change_room(room=cast.room, changes={"notice": "once"}, by=cast.actor(cast.stella), now=clock.now())
    assert outbox.handle_pending(now=clock.now()) == (1, 0)
    OutboxRow.objects.update(done_at=None)
    assert outbox.handle_pending(now=clock.now()) == (1, 0)
    log = redis_for(cast.room.key).xrange(key("ticks", cast.room.key))
    assert len([entry for entry in log if b'"once"' in entry[1][b"e"]]) == 1
    assert history_now(room=ref(cast.room), now_ms=clock.now_ms()) == []
