"""What rooms heard becomes rows, each once and none missing, whoever dies in between (C14)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.db import OperationalError, connection

from interactions.chat import selectors
from interactions.chat.archive import archiver as archive_writer
from interactions.chat.archive import rows as archive_rows
from interactions.chat.archive.archiver import Archiver, open_group, trim
from interactions.chat.archive.pruning import prune_archive
from interactions.chat.services import archive
from interactions.chat.services.archive import GROUP, Backlog, backlog, last_archived_seqs
from interactions.delivery.room_ref import ref_of_key
from interactions.delivery.rooms.archive_stream import ARCHIVE
from interactions.likes.totals import saved_totals
from interactions.models import ArchivedMessage
from interactions.room_refs import ref
from liveroom.kernel import clock
from liveroom.kernel.data.redis import key, shared
from liveroom.rooms.models import LiveSession, Room
from liveroom.rooms.services.rooms import create_room, disband_room
from liveroom.rooms.services.status import set_status
from tests.helpers.archive import ROOM, said, tick
from tests.helpers.people import STAFF, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(cast: Cast) -> redis.Redis:
    return shared()


def seqs(room: Room) -> list[int | None]:
    return list(ArchivedMessage.objects.filter(room=room).order_by("pk").values_list("seq", flat=True))


def highest(name: str) -> int:
    """As a room that begins anew asks for it, together with others."""
    return last_archived_seqs(room_keys=[name, "1:another"])[name]


def test_what_was_said_becomes_rows_with_sender_text_and_session(cast: Cast, client: redis.Redis) -> None:
    set_status(room=cast.room, status="live", by=STAFF, now=clock.now())
    tick(client, said(1, "hello"), said(2, "again", by="zed", priority="High"))
    tick(client, b'{"seq":3,"type":"status","t":1,"status":"live"}')
    Archiver(consumer="a").drain()
    hello, again, status = ArchivedMessage.objects.order_by("pk")
    assert (hello.room, hello.epoch, hello.seq, hello.event_id) == (cast.room, "aaaa", 1, "e1")
    assert (hello.type, hello.priority, hello.sender, hello.text) == ("comment", "Normal", "mia", "hello")
    assert hello.session == LiveSession.objects.get(room=cast.room)
    assert hello.body["from"]["nick"] == "Mia"
    assert (again.sender, again.priority, again.sampled) == ("zed", "High", "")
    assert (status.type, status.sender, status.text, status.event_id) == ("status", "", "", "")
    assert abs(hello.at - clock.now()) < timedelta(seconds=5)


def test_what_was_sampled_is_kept_and_says_why(cast: Cast, client: redis.Redis) -> None:
    unnamed = said(None, "no id", id=None)
    tick(client, said(1), sampled=(b"rate " + said(None, "lost"), b"flood " + unnamed, b"flood " + unnamed))
    Archiver(consumer="a").drain()
    rows = ArchivedMessage.objects.filter(seq=None).order_by("pk")
    assert [(row.sampled, row.text) for row in rows] == [("rate", "lost"), ("flood", "no id"), ("flood", "no id")]
    assert selectors.archived_messages(room=cast.room, sampled=False).get().seq == 1


def test_a_death_between_the_commit_and_the_acknowledgement_writes_nothing_twice(
    cast: Cast, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick(client, said(1), said(2), sampled=(b"rate " + said(None, id="x"), b"rate " + said(None, id=None)))
    with monkeypatch.context() as patch:
        patch.setattr(client, "xack", lambda *_: (_ for _ in ()).throw(redis.ConnectionError()))
        with pytest.raises(redis.ConnectionError):
            Archiver(consumer="a", client=client).drain()
    assert client.xpending(ARCHIVE, GROUP)["pending"] == 1
    tick(client, said(3))
    again = Archiver(consumer="a")
    again.drain()
    assert seqs(cast.room) == [1, 2, None, None, 3]
    assert client.xpending(ARCHIVE, GROUP)["pending"] == 0


def test_what_a_dead_process_has_read_is_taken_over_by_another(
    cast: Cast, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_group(client=client)
    tick(client, said(1))
    client.xreadgroup(GROUP, "dead", {ARCHIVE: ">"})
    tick(client, said(2))
    other = Archiver(consumer="b")
    other.drain()
    assert (other.adopt(), seqs(cast.room)) == (0, [2])  # it may only be slow
    monkeypatch.setattr(archive_writer, "CLAIM_AFTER_MS", 0)
    assert other.adopt() == 1
    other.drain()
    assert sorted(filter(None, seqs(cast.room))) == [1, 2]
    assert client.xpending(ARCHIVE, GROUP)["pending"] == 0


def test_the_database_away_loses_nothing(cast: Cast, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    archiver = Archiver(consumer="a")
    tick(client, said(1))
    with monkeypatch.context() as patch:
        patch.setattr(archive_writer, "_save", lambda _: (_ for _ in ()).throw(OperationalError("away")))
        for _ in range(2):
            with pytest.raises(OperationalError):
                archiver.drain()
    assert trim(client=client) == 0
    tick(client, said(2))
    assert archiver.drain() is False
    assert seqs(cast.room) == [1, 2]


def test_redis_without_memory_is_read_from_its_new_beginning(cast: Cast, client: redis.Redis) -> None:
    archiver = Archiver(consumer="a")
    assert archiver.drain() is False
    tick(client, said(1))
    archiver.drain()
    client.flushdb()
    assert (archiver.adopt(), trim(client=client), backlog()) == (0, 0, Backlog())
    tick(client, said(1, "in another epoch"), epoch="bbbb")
    archiver.drain()
    assert seqs(cast.room) == [1, 1]


def test_only_what_every_group_has_read_and_finished_is_trimmed(cast: Cast, client: redis.Redis) -> None:
    open_group(client=client, group="others")
    first, second, third = (tick(client, said(seq), id=f"5-{seq}") for seq in (1, 2, 3))
    Archiver(consumer="a").drain()
    assert trim(client=client) == 0
    client.xreadgroup("others", "o", {ARCHIVE: ">"}, count=2)
    client.xack(ARCHIVE, "others", second)
    assert trim(client=client) == 0  # the first is read and not finished
    client.xack(ARCHIVE, "others", first)
    assert trim(client=client) == 2
    assert [entry for entry, _ in client.xrange(ARCHIVE)] == [third]


def test_an_entry_that_nobody_can_read_or_store_does_not_stop_the_others(
    cast: Cast, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    tick(client, said(1), room="1400000000:nowhere")
    tick(client, said(1), room="nonsense")
    tick(client, b"{broken")
    client.xadd(ARCHIVE, {"what": "else"})
    tick(client, said(2**63), epoch="huge")
    tick(client, said(7, "a\x00b", by="x" * 300, id="y" * 300))
    Archiver(consumer="a").drain()
    row = ArchivedMessage.objects.get()
    assert (row.seq, row.text, len(row.sender), len(row.event_id)) == (7, "a\ufffdb", 100, 128)
    assert client.xpending(ARCHIVE, GROUP)["pending"] == 0
    assert "no room '1400000000:nowhere'" in caplog.text
    assert "no room 'nonsense'" in caplog.text
    assert caplog.text.count("is dropped") == 3


def test_an_entry_that_left_the_full_stream_is_counted_and_let_go(
    cast: Cast, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    open_group(client=client)
    gone = tick(client, said(1))
    client.xreadgroup(GROUP, "a", {ARCHIVE: ">"})
    client.xdel(ARCHIVE, gone)
    tick(client, said(2))
    Archiver(consumer="a").drain()
    assert seqs(cast.room) == [2]
    assert "left the full stream" in caplog.text
    assert client.xpending(ARCHIVE, GROUP)["pending"] == 0


def test_a_large_pile_is_written_in_bounded_transactions(
    cast: Cast, client: redis.Redis, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(archive_writer, "READ_ENTRIES", 10)
    monkeypatch.setattr(archive_writer, "ROWS", 20)
    for seq in range(1, 121, 2):
        tick(client, said(seq), said(seq + 1))
    archiver = Archiver(consumer="a")
    with django_assert_max_num_queries(5 * (4 + 2)):
        assert archiver.drain() is True
    assert len(seqs(cast.room)) == 100
    assert archiver.drain() is False
    assert seqs(cast.room) == list(range(1, 121))


def test_rows_are_committed_with_what_follows_from_them_or_not_at_all(
    cast: Cast, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[list[int | None]] = []

    def follows(rows: Sequence[ArchivedMessage]) -> None:
        heard.append([row.seq for row in rows])
        if len(heard) == 1:
            raise OperationalError("away")

    monkeypatch.setattr(archive, "_subscribers", [follows])
    tick(client, said(1, "a"), said(2, "b"))
    archiver = Archiver(consumer="a")
    with pytest.raises(OperationalError):
        archiver.drain()
    assert seqs(cast.room) == []
    archiver.drain()
    assert seqs(cast.room) == [1, 2]
    archiver.drain()
    assert heard == [[1, 2], [1, 2]]


def test_a_room_that_took_a_freed_id_has_its_own_archive(cast: Cast, client: redis.Redis) -> None:
    now = clock.now()
    disband_room(room=cast.room, by=STAFF, now=now)
    tick(client, said(1, "the last words"), at=int(now.timestamp() * 1000) + 5)
    later = now + timedelta(seconds=2)
    new = create_room(app=cast.app, owner=cast.stella, by=STAFF, now=later, group_id="r1", title="Anew")
    tick(client, said(1, "the first words"), epoch="bbbb", at=int(later.timestamp() * 1000) + 5)
    tick(client, said(9, "long ago"), at=1_000)
    Archiver(consumer="a").drain()
    assert [row.text for row in ArchivedMessage.objects.filter(room=new)] == ["the first words"]
    assert seqs(cast.room) == [1, 9]
    assert highest(ROOM) == 1


def test_the_last_number_of_a_room_is_one_step_in_an_index(cast: Cast, client: redis.Redis) -> None:
    assert highest(ROOM) == highest("x") == highest("1:x") == 0
    tick(client, said(41), said(42), epoch="aaaa")
    tick(client, said(7), epoch="bbbb")
    Archiver(consumer="a").drain()
    assert highest(ROOM) == 42
    if connection.vendor == "sqlite":
        plan = archive._newest([ROOM, "1:x"]).explain()
        assert "delivered_once" in plan
        assert "TEMP B-TREE" not in plan


def test_saved_likes_are_those_of_the_open_room(cast: Cast) -> None:
    Room.objects.filter(pk=cast.room.pk).update(likes=12)
    elsewhere = ref_of_key(room_key="1400000777:r1")
    for room in (ref(cast.room), ref_of_key(room_key=ROOM)):
        assert saved_totals([room, elsewhere]) == {ROOM: 12}
    Room.objects.filter(pk=cast.room.pk).update(disbanded_at=clock.now())
    assert saved_totals([ref(cast.room), elsewhere]) == saved_totals([ref_of_key(room_key=ROOM)]) == {}


def test_how_much_waits_and_for_how_long_is_known(cast: Cast, client: redis.Redis) -> None:
    assert backlog() == Backlog()
    now_ms = int(client.time()[0]) * 1000
    tick(client, said(1), id=f"{now_ms - 90_000}-0")
    tick(client, said(2), id=f"{now_ms - 80_000}-0")
    unread = backlog()
    assert (unread.entries, unread.late) == (2, True)
    assert 89 < unread.lag_seconds < 95
    open_group(client=client)
    assert backlog().entries == 2
    client.xreadgroup(GROUP, "slow", {ARCHIVE: ">"}, count=1)
    half = backlog()
    assert (half.entries, half.late) == (2, True)
    told = StringIO()
    with contextlib.suppress(SystemExit):  # this machine may lack something else
        call_command("doctor", stdout=told)
    assert "note  archive" in told.getvalue()
    Archiver(consumer="slow").drain()
    assert backlog() == Backlog()
    assert Backlog(entries=50_001).late
    assert not Backlog(entries=50_000, lag_seconds=60).late


def test_messages_are_forgotten_after_the_days_of_their_app(
    cast: Cast, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liveroom.kernel.work.pruning.CHUNK", 2)
    ritas = create_room(app=cast.other_app, owner=cast.rita, by=STAFF, now=clock.now(), group_id="r1", title="Rita's")
    type(cast.app).objects.filter(pk=cast.app.pk).update(archive_days=7)
    old, young = (clock.now() - timedelta(days=days) for days in (8, 6))
    for seq, at in enumerate((old, old, old, old, old, young), start=1):
        for room in (ROOM, ritas.key):
            tick(client, said(seq), room=room, at=int(at.timestamp() * 1000))
    Archiver(consumer="a").drain()
    assert prune_archive(now=clock.now()) is None
    assert seqs(cast.room) == [6]
    assert len(seqs(ritas)) == 6


def test_counts_of_a_room_are_read_by_priority_and_reason(cast: Cast, client: redis.Redis) -> None:
    assert selectors.message_counts(room_key=ROOM) == []
    fields = {
        "delivered:Normal": 7,
        "sampled:Low:rate": 3,
        "sampled:Low:flood": 1,
        "delivered:High": 2,
        "delivered:System": 1,
    }
    client.hset(key("counts", ROOM), mapping=fields)
    found = selectors.message_counts(room_key=ROOM)
    assert found is not None
    assert [(row.priority, row.delivered, dict(row.sampled), row.sampled_in_all) for row in found] == [
        ("High", 2, {}, 0),
        ("Normal", 7, {}, 0),
        ("Low", 0, {"flood": 1, "rate": 3}, 4),
        ("System", 1, {}, 0),
    ]


def test_an_entry_without_the_parts_of_one_is_malformed() -> None:
    good = {b"room": b"1:r", b"epoch": b"a", b"at": b"1", b"events": b""}
    assert archive_rows.entry_of(b"1-1", good).size == 0
    for wrong in (
        {b"at": b"soon"},
        {b"at": b"9" * 30},
        {b"events": b"[]"},
        {b"events": b'{"type":"x"}'},
        {b"sampled": b"rate"},
    ):
        with pytest.raises(archive_rows.Malformed):
            archive_rows.entry_of(b"1-1", good | wrong)
