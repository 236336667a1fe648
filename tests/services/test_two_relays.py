"""Two relays at once: the one that lost its lease tells nothing and marks nothing, however late it wakes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connections
from django.db.models import F

from interactions.delivery.events import encoded
from interactions.delivery.publishing import TOPIC
from interactions.delivery.rooms.submitting import publish_now
from interactions.room.events import RoomNotice
from interactions.room_refs import ref
from liveroom.kernel import clock, outbox
from liveroom.kernel.data.redis import shared
from liveroom.kernel.models import Lease, OutboxRow
from liveroom.kernel.work import due, fencing
from liveroom.kernel.work.due import Dispatcher, Job
from liveroom.kernel.work.fencing import HeldLease, LeaseLost
from liveroom.rooms.services.rooms import create_room, disband_room
from tests.helpers.people import STAFF


def relay(name: str, *, seconds: float = 10) -> HeldLease:
    return HeldLease(name="relay", holder=name, seconds=seconds)


def runs_out() -> None:
    """As if the holder had slept through it."""
    Lease.objects.update(expires_at=clock.now() - timedelta(seconds=1))


Meanwhile = list[Callable[[], object]]


@pytest.fixture
def told() -> Iterator[tuple[list[tuple[str, int]], Meanwhile]]:
    """One topic, `test`. What is in the second list happens once, in the middle of the first telling."""
    before, notes, meanwhile = (outbox._table.handlers, outbox._table.queues), [], []

    def carry(letter: outbox.OutboxMessage) -> None:
        notes.append((letter.room_key, letter.payload["n"]))
        if meanwhile:
            meanwhile.pop()()

    outbox.install({"test": carry})
    yield notes, meanwhile
    outbox.install(*before)


def put(count: int, room: str = "a") -> None:
    for n in range(count):
        outbox.put(topic="test", room_key=room, payload={"n": n}, now=clock.now())


@pytest.mark.django_db
def test_a_relay_that_loses_its_lease_in_the_middle_stops_there_and_marks_nothing(told):
    notes, meanwhile = told
    first, second = relay("first"), relay("second")
    put(4)
    assert first.take()
    assert not second.take()

    def the_other_takes_over() -> None:
        runs_out()
        assert second.take()

    meanwhile.append(the_other_takes_over)
    with pytest.raises(LeaseLost):
        outbox.handle_pending(now=clock.now(), lease=first)
    assert notes == [("a", 0)]
    assert not OutboxRow.objects.filter(done_at__isnull=False).exists()
    assert outbox.handle_pending(now=clock.now(), lease=second) == (4, 0)
    assert notes[1:] == [("a", n) for n in range(4)]  # the first again, under its id
    assert not first.take()


@pytest.mark.django_db
def test_the_mark_itself_asks_who_holds_the_lease(told, monkeypatch):
    """Between the last word and the mark, with a Redis that forgot the tokens and a clock that stood still."""
    _, meanwhile = told
    first = relay("first")
    put(1)
    assert first.take()
    monkeypatch.setattr(first, "check", lambda: None)
    meanwhile.append(lambda: Lease.objects.update(token=F("token") + 1, holder="second"))
    outbox.handle_pending(now=clock.now(), lease=first)
    assert OutboxRow.objects.filter(done_at__isnull=True).count() == 1


@pytest.mark.django_db
def test_a_batch_handler_that_lost_the_lease_has_done_nothing(told):
    first, second = relay("first"), relay("second")

    def look(now, lease):
        with fencing.fenced(lease):
            Lease.objects.create(name="a row of its transaction", holder="x", expires_at=now)
            done = OutboxRow.objects.update(done_at=now)
            Lease.objects.filter(name="relay").update(expires_at=clock.now() - timedelta(seconds=1))
            assert second.take()
        return outbox.Looked(done=done)

    outbox.install({"test": outbox.BatchHandler(lambda messages, now: outbox.Handled())}, {"rows": look})
    put(3)
    assert first.take()
    with pytest.raises(LeaseLost):
        outbox.handle_batches(now=clock.now(), lease=first)
    assert not Lease.objects.filter(name="a row of its transaction").exists()
    assert OutboxRow.objects.filter(done_at__isnull=True).count() == 3


@pytest.mark.django_db
def test_a_holder_whose_own_time_is_over_asks_nobody_to_know_it(told, monkeypatch):
    first = relay("first", seconds=5)
    assert first.take()
    first.check()
    late = fencing.time.monotonic() + 6
    monkeypatch.setattr(fencing.time, "monotonic", lambda: late)
    with pytest.raises(LeaseLost):
        first.check()


@pytest.mark.django_db
def test_clocks_that_differ_do_no_harm(told):
    """The other host's clock is ahead: it takes the lease while this one believes to have it for seconds yet."""
    first, second = relay("first"), relay("second")
    assert first.take()
    runs_out()
    assert second.take()
    assert first.seems_ours()
    with pytest.raises(LeaseLost):
        first.check()
    second.check()


@pytest.mark.django_db
def test_two_processes_of_one_name_are_two(told):
    first, twin = relay("relay-1"), relay("relay-1")
    assert first.take()
    assert twin.take()
    with pytest.raises(LeaseLost):
        first.check()
    assert not first.take()  # it hears of it first, and may try again later


@pytest.mark.django_db
def test_a_database_that_was_brought_back_goes_on_above_what_redis_has_seen(told):
    first = relay("first")
    Lease.objects.create(name="relay", holder="old", token=41, expires_at=clock.now() - timedelta(seconds=1))
    assert first.take()
    assert first.token == 42
    Lease.objects.update(token=3, expires_at=clock.now() - timedelta(seconds=1))  # last week's copy
    again = relay("again")
    assert again.take()
    again.check()
    assert again.token == 43 == Lease.objects.get().token


@pytest.mark.django_db
def test_a_redis_that_forgot_the_tokens_learns_them_again(told):
    first = relay("first")
    assert first.take()
    shared().flushdb()
    first.check()


@pytest.mark.django_db(transaction=True)
def test_the_lease_is_renewed_while_the_work_goes_on():
    """A piece of work that is three times as long as the lease."""
    first, second = relay("first", seconds=0.6), relay("second")
    assert first.take()
    first.keep()
    worked = threading.Event()
    try:
        for _ in range(6):
            assert not worked.wait(0.3)
            assert not second.take()
            first.check()
    finally:
        first.give_back()
    assert second.take()
    connections.close_all()


@pytest.mark.django_db
def test_sweeps_end_where_the_lease_does(monkeypatch):
    done: list[str] = []
    monkeypatch.setattr(due._table, "jobs", [Job(name, 1, lambda now: None) for name in "abc"])
    dispatcher = Dispatcher(send=done.append, waiting=lambda: 0, may_go_on=lambda: len(done) < 2)
    now = clock.now()
    dispatcher.hand_out(now=now)
    assert done == ["a", "b"]
    dispatcher.may_go_on = lambda: True
    dispatcher.hand_out(now=now)
    assert done == ["a", "b", "c"]  # what was left is due


@pytest.mark.django_db
def test_a_room_that_got_the_id_of_a_closed_one_keeps_its_memory_when_that_is_closed_again(cast):
    """A relay that slept tells once more that the old one was disbanded."""
    disband_room(room=cast.room, by=STAFF, now=clock.now())
    while outbox.handle_pending(now=clock.now())[0]:
        pass
    room = create_room(app=cast.app, owner=cast.zed, by=STAFF, now=clock.now(), group_id="r1", title="Zed's")
    event = encoded(RoomNotice(t=0, notice="hello", version=1))
    seq = publish_now(room=ref(room), event=event, event_id="first").seq
    OutboxRow.objects.filter(topic=TOPIC, payload__event__control="close").update(done_at=None)
    assert outbox.handle_pending(now=clock.now()) == (1, 0)
    assert publish_now(room=ref(room), event=event, event_id="second").seq == seq + 1
