"""Mutes and bans in the database: whom they may hit, what they refuse, who is told, what is written down."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from interactions.room_refs import ref
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import BadParameter, LiveRoomError, NotPermitted
from liveroom.kernel.models import AuditEntry, OutboxRow
from liveroom.kernel.permission import Actor, ask, may
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.services.people import PersonUnknown, appoint_admin
from liveroom.rooms.services.rooms import create_room
from moderation import selectors
from moderation.models import Ban, Mute, MuteAll
from moderation.rules.verdict import FOR_EVER_SECONDS, UNTIL_LIFTED, Standing
from moderation.services import banning, muting
from moderation.services.targets import OutOfReach
from moderation.shapes import BanWriteSerializer
from moderation.voters import Banned, Muted, MutedAll
from tests.helpers.people import STAFF, make_cast
from tests.helpers.published import control_messages, in_outbox, room_events, user_events
from tests.services.test_once_and_leases import at_once

pytestmark = pytest.mark.django_db


def ms(instant):
    return int(instant.timestamp() * 1000)


def mute(cast, who="mia", seconds=60, by=None, now=None, **more):
    by = by or cast.actor(cast.stella)
    return muting.mute_user(room=cast.room, identifier=who, seconds=seconds, by=by, now=now or clock.now(), **more)


def ban(cast, who="mia", seconds=60, by=None, now=None, **more):
    by = by or cast.actor(cast.stella)
    return banning.ban_user(room=cast.room, identifier=who, seconds=seconds, by=by, now=now or clock.now(), **more)


def ban_everywhere(cast, who="mia", seconds=60, by=STAFF, now=None):
    return banning.ban_from_app(app=cast.app, identifier=who, seconds=seconds, by=by, now=now or clock.now())


def standing(cast, person, now=None):
    return selectors.standing(
        actor=cast.actor(person), room_id=cast.room.pk, app_id=cast.app.pk, now=now or clock.now()
    )


@pytest.fixture
def nothing_told(cast):
    OutboxRow.objects.all().delete()


# -- what is refused


def test_a_muted_user_cannot_speak_until_the_time_is_over(cast):
    now, mia = clock.now(), cast.actor(cast.mia)
    row = mute(cast, seconds=60, now=now)
    assert row.until == now + timedelta(seconds=60)
    for room in (cast.room, ref(cast.room)):
        with pytest.raises(Muted, match="until") as refused:
            ask("comment.send", actor=mia, room=room, role="member", now_ms=ms(now) + 10_000)
        assert (refused.value.code, refused.value.name, refused.value.status) == (10017, "muted", 403)
        assert refused.value.extra == {"muted_until": ms(row.until), "retry_after_ms": 50_000}
    assert may("room.enter", actor=mia, room=cast.room)
    ask("comment.send", actor=mia, room=cast.room, now_ms=ms(now) + 60_000)
    assert may("comment.send", actor=cast.actor(cast.zed), room=cast.room)


@pytest.mark.parametrize("seconds", [None, FOR_EVER_SECONDS])
def test_a_mute_without_end_is_lifted_by_hand_only(cast, seconds):
    mute(cast, seconds=seconds)
    with pytest.raises(Muted, match="moderator lifts") as refused:
        ask("comment.send", actor=cast.actor(cast.mia), room=cast.room)
    assert refused.value.extra == {"muted_until": None}
    muting.unmute_user(room=cast.room, identifier="mia", by=cast.actor(cast.max), now=clock.now())
    ask("comment.send", actor=cast.actor(cast.mia), room=cast.room)
    assert standing(cast, cast.mia) == Standing()


def test_in_a_muted_room_only_owner_and_admins_speak(cast):
    muting.mute_everyone(room=cast.room, by=cast.actor(cast.max), now=clock.now())
    with pytest.raises(MutedAll) as refused:
        ask("comment.send", actor=cast.actor(cast.mia), room=cast.room)
    assert (refused.value.code, refused.value.name, refused.value.extra) == (10017, "muted_all", {})
    for person in (cast.stella, cast.max):
        ask("comment.send", actor=cast.actor(person), room=cast.room)
    muting.unmute_everyone(room=cast.room, by=cast.actor(cast.stella), now=clock.now())
    ask("comment.send", actor=cast.actor(cast.mia), room=cast.room)


def test_an_admin_who_is_muted_by_name_is_muted(cast):
    mute(cast, "max")
    with pytest.raises(Muted):
        ask("comment.send", actor=cast.actor(cast.max), room=cast.room)


def test_a_banned_user_may_not_come_in_nor_speak_until_the_time_is_over(cast):
    now, mia = clock.now(), cast.actor(cast.mia)
    row = ban(cast, seconds=60, now=now)
    for action in ("room.enter", "comment.send"):
        with pytest.raises(Banned, match="this room until 2") as refused:
            ask(action, actor=mia, room=cast.room, now_ms=ms(now))
        assert (refused.value.code, refused.value.name, refused.value.status) == (10007, "banned", 403)
        assert refused.value.extra == {"banned_until": ms(row.until)}
    ask("room.enter", actor=mia, room=cast.room, now_ms=ms(now) + 60_000)
    ban(cast, seconds=None)
    with pytest.raises(Banned, match="moderator lifts") as refused:
        ask("room.enter", actor=mia, room=cast.room)
    assert refused.value.extra == {"banned_until": None}
    banning.lift_ban(room=cast.room, identifier="mia", by=cast.actor(cast.stella), now=clock.now())
    ask("room.enter", actor=mia, room=cast.room)


def test_a_ban_from_a_room_means_that_room_and_a_ban_from_the_app_means_all_of_them(cast):
    zed, now = cast.actor(cast.zed), clock.now()
    other = create_room(app=cast.app, owner=cast.stella, by=STAFF, now=now, title="Other")
    ban(cast, "zed")
    assert may("room.enter", actor=zed, room=other)
    ban_everywhere(cast, "zed", seconds=None)
    with pytest.raises(Banned, match="this app"):
        ask("room.enter", actor=zed, room=other)
    assert not may("room.create", actor=zed)
    banning.lift_ban_from_app(app=cast.app, identifier="zed", by=STAFF, now=now)
    assert may("room.enter", actor=zed, room=other)
    assert may("room.create", actor=zed)
    assert not may("room.enter", actor=zed, room=cast.room)


def test_a_standing_that_the_asker_brings_is_believed_without_a_look(cast, django_assert_num_queries):
    mia, room, now_ms = cast.actor(cast.mia), ref(cast.room), clock.now_ms()
    with django_assert_num_queries(0):
        ask("comment.send", actor=mia, room=room, role="member", standing=Standing(), now_ms=now_ms)
        ask("room.enter", actor=mia, room=room, role="member", standing=Standing(), now_ms=now_ms)
        for told, refusal in (
            (Standing(muted_until_ms=now_ms + 1), Muted),
            (Standing(muted_all=True), MutedAll),
            (Standing(banned_until_ms=UNTIL_LIFTED), Banned),
        ):
            with pytest.raises(refusal):
                ask("comment.send", actor=mia, room=room, role="member", standing=told, now_ms=now_ms)


def test_guests_servers_and_admins_of_the_app_cannot_be_hit(cast):
    ban(cast, "zed")
    ban_everywhere(cast, "zed")
    mute(cast, "zed")
    cast.app.admin_identifiers = ["zed"]
    cast.app.save()
    cast.zed.refresh_from_db()
    for action in ("room.enter", "comment.send"):
        ask(action, actor=cast.actor(cast.zed), room=cast.room)
    muting.unmute_user(room=cast.room, identifier="zed", by=cast.actor(cast.max), now=clock.now())
    banning.lift_ban_from_app(app=cast.app, identifier="zed", by=STAFF, now=clock.now())
    assert not Mute.objects.exists()
    ask("room.enter", actor=permission.anonymous(), room=cast.room)
    ask("room.enter", actor=Actor(kind=permission.SERVER, app_id=cast.app.pk), room=cast.room)


# -- whom one may hit


def test_whom_a_moderator_can_reach(cast):
    appoint_admin(room=cast.room, identifier="zed", by=STAFF, now=clock.now())
    admin, owner = cast.actor(cast.max), cast.actor(cast.stella)
    for act in (mute, ban):
        for by, who in ((admin, "stella"), (admin, "zed"), (admin, "max"), (owner, "stella"), (STAFF, "stella")):
            with pytest.raises(OutOfReach):
                act(cast, who, by=by)
        act(cast, "mia", by=admin)
        act(cast, "zed", by=owner)
        with pytest.raises(PersonUnknown):
            act(cast, "rita", by=owner)
        for stranger in (cast.actor(cast.mia), cast.actor(cast.rita), permission.anonymous()):
            with pytest.raises(LiveRoomError):
                act(cast, "zed", by=stranger)
    assert not may("room.mute", actor=Actor(kind=permission.SERVER, app_id=cast.app.pk), room=cast.room)
    assert may(
        "room.ban", actor=Actor(kind=permission.SERVER, app_id=cast.app.pk, scopes=frozenset({"rooms"})), room=cast.room
    )


def test_a_banned_admin_does_not_let_himself_in_again(cast):
    ban(cast, "max")
    admin = cast.actor(cast.max)
    with pytest.raises(Banned):
        banning.lift_ban(room=cast.room, identifier="max", by=admin, now=clock.now())
    with pytest.raises(Banned):
        mute(cast, "mia", by=admin)
    assert not may("room.attributes", actor=admin, room=cast.room)


def test_a_muted_admin_does_not_lift_it_himself(cast):
    mute(cast, "max")
    with pytest.raises(OutOfReach):
        muting.unmute_user(room=cast.room, identifier="max", by=cast.actor(cast.max), now=clock.now())
    assert Mute.objects.filter(person=cast.max).exists()


def test_admins_of_the_app_are_banned_by_nobody_and_bans_from_an_app_are_its_own_affair(cast):
    cast.app.admin_identifiers = ["zed", "mia"]
    cast.app.save()
    for person in (cast.zed, cast.mia):
        person.refresh_from_db()
    for by in (STAFF, cast.actor(cast.zed)):
        with pytest.raises(OutOfReach):
            ban_everywhere(cast, "mia", by=by)
    with pytest.raises(OutOfReach):
        ban_everywhere(cast, "zed", by=cast.actor(cast.zed))
    with pytest.raises(OutOfReach):
        ban(cast, "mia")
    ban_everywhere(cast, "max", by=cast.actor(cast.zed))
    for by in (cast.actor(cast.stella), Actor(kind=permission.SERVER, app_id=cast.app.pk)):
        with pytest.raises(NotPermitted):
            ban_everywhere(cast, "max", by=by)
    foreign = Actor(kind=permission.SERVER, app_id=cast.other_app.pk, scopes=frozenset({"people"}))
    with pytest.raises(NotPermitted, match="another app"):
        ban_everywhere(cast, "max", by=foreign)
    with pytest.raises(PersonUnknown):
        ban_everywhere(cast, "rita")


@pytest.mark.parametrize("seconds", [0, -1, True, 1.5, "60", FOR_EVER_SECONDS + 1])
def test_lengths_that_are_none_are_refused_with_the_limit(cast, seconds):
    for act in (mute, ban, ban_everywhere):
        with pytest.raises(BadParameter) as refused:
            act(cast, seconds=seconds)
        assert (refused.value.extra["field"], refused.value.extra["limit"]) == ("seconds", FOR_EVER_SECONDS)
    assert not Mute.objects.exists()
    assert not Ban.objects.exists()


def test_the_longest_mute_that_ends_is_kept_and_read_again(cast):
    mute(cast, seconds=FOR_EVER_SECONDS - 1)
    assert standing(cast, cast.mia).muted_until_ms < UNTIL_LIFTED


# -- what is kept


def test_doing_it_again_sets_the_end_anew_and_leaves_one_row(cast):
    now = clock.now()
    mute(cast, seconds=60, now=now, reason="spam")
    mute(cast, seconds=None, now=now + timedelta(seconds=1))
    ban(cast, seconds=None, now=now)
    ban(cast, seconds=5, now=now)
    ban_everywhere(cast, seconds=5, now=now)
    ban_everywhere(cast, seconds=7, now=now)
    row = Mute.objects.get()
    assert (row.until, row.since, row.by, row.reason) == (None, now + timedelta(seconds=1), "stella", "")
    assert Ban.objects.get(room=cast.room).until == now + timedelta(seconds=5)
    assert Ban.objects.get(room=None).until == now + timedelta(seconds=7)
    assert standing(cast, cast.mia, now) == Standing(
        muted_until_ms=UNTIL_LIFTED, banned_until_ms=ms(now) + 7000, banned_everywhere=True
    )


def test_the_database_itself_holds_one_of_each(cast):
    first = {"person": cast.mia, "since": timezone.now(), "by": "x"}
    for model, where in (
        (Mute, {"room": cast.room}),
        (Ban, {"room": cast.room, "app": cast.app}),
        (Ban, {"room": None, "app": cast.app}),
    ):
        model.objects.create(**first, **where)
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.create(**first, **where)


def test_what_is_over_is_on_no_list_and_is_cleared_away(cast):
    now = clock.now()
    past = now - timedelta(seconds=100)
    mute(cast, "mia", seconds=60, now=past)
    ban(cast, "mia", seconds=60, now=past)
    ban_everywhere(cast, "mia", seconds=60, now=past)
    for rows in (
        selectors.mutes_of(room=cast.room, now=now),
        selectors.bans_of(room=cast.room, now=now),
        selectors.app_bans(app=cast.app, now=now),
    ):
        assert list(rows) == []
    assert standing(cast, cast.mia, now) == Standing()
    mute(cast, "zed", now=now)
    ban(cast, "zed", now=now)
    ban_everywhere(cast, "zed", now=now)
    assert {row.person for model in (Mute, Ban) for row in model.objects.select_related("person")} == {cast.zed}


def test_a_standing_is_two_queries_and_one_for_a_guest(cast, django_assert_num_queries):
    mute(cast)
    ban(cast)
    ban_everywhere(cast, seconds=None)
    muting.mute_everyone(room=cast.room, by=STAFF, now=clock.now())
    mia = cast.actor(cast.mia)
    where = {"room_id": cast.room.pk, "app_id": cast.app.pk, "now": clock.now()}
    with django_assert_num_queries(2):
        found = selectors.standing(actor=mia, **where)
    assert found.muted_all
    assert found.muted_until_ms is not None
    assert (found.banned_until_ms, found.banned_everywhere) == (UNTIL_LIFTED, True)
    with django_assert_num_queries(1):
        assert selectors.standing(actor=permission.anonymous(), **where) == Standing(muted_all=True)
    several = selectors.standings(identifiers=["mia", "zed", "nobody"], **where)
    assert several == {"mia": found, "zed": Standing(muted_all=True), "nobody": Standing(muted_all=True)}
    against = selectors.against(room=cast.room, now=where["now"])
    assert (against.people, against.muted_all) == ({"mia": found}, True)


# -- who is told


def test_a_mute_goes_to_the_sockets_to_the_user_and_to_the_room(cast, nothing_told):
    now = clock.now()
    person = f"{cast.app.sdkappid}:mia"
    row = mute(cast, seconds=60, now=now)
    muting.unmute_user(room=cast.room, identifier="mia", by=cast.actor(cast.max), now=now)
    user, t, until = {"id": "mia", "nick": "Mia"}, ms(now), ms(row.until)
    here = {"control": "standing", "room": cast.room.key, "doubt": cast.room.key}
    assert control_messages() == [
        (person, {**here, "muted_until_ms": until, "version": 2}),
        (person, {**here, "muted_until_ms": None, "version": 3}),
    ]
    assert user_events() == [
        {"type": "mute", "t": t, "room": "r1", "until": until, "by": "stella"},
        {"type": "unmute", "t": t, "room": "r1", "by": "max"},
    ]
    assert room_events() == [
        {"type": "mute", "t": t, "version": 2, "user": user, "until": until, "by": "stella"},
        {"type": "unmute", "t": t, "version": 3, "user": user, "by": "max"},
    ]


def test_a_muted_room_is_told_and_then_what_sockets_remember_of_it(cast, nothing_told):
    now, by = clock.now(), cast.actor(cast.stella)
    for _ in range(2):  # what changes nothing is not told
        muting.mute_everyone(room=cast.room, by=by, now=now)
    for _ in range(2):
        muting.unmute_everyone(room=cast.room, by=by, now=now)
    here = {"control": "standing", "room": cast.room.key, "doubt": cast.room.key}
    assert {said["to"]["room"] for said in in_outbox()} == {cast.room.key}
    assert [said["event"] for said in in_outbox()] == [
        {"type": "mute_all", "t": ms(now), "version": 2, "on": True, "by": "stella"},
        {**here, "muted_all": True, "version": 2},
        {"type": "mute_all", "t": ms(now), "version": 3, "on": False, "by": "stella"},
        {**here, "muted_all": False, "version": 3},
    ]
    assert not MuteAll.objects.exists()


def test_a_ban_closes_sockets_in_the_room_and_a_ban_from_the_app_all_of_them(cast, nothing_told):
    now = clock.now()
    ban(cast, seconds=None, now=now)
    ban_everywhere(cast, seconds=60, now=now)
    [(_, here), (_, everywhere)] = control_messages()
    assert here["version"] == 2  # max's role was the first
    closing = here["closing"]
    assert (here["room"], closing["code"], closing["reason"]) == (cast.room.key, 4103, "banned")
    assert "this room until a moderator" in closing["message"]
    assert "room" not in everywhere
    assert (everywhere["code"], everywhere["reason"]) == (4103, "banned")
    assert "this app until 2" in everywhere["message"]
    [told] = room_events()
    assert told == {
        "type": "ban", "t": ms(now), "version": 2, "user": {"id": "mia", "nick": "Mia"}, "until": None, "by": "stella",
    }  # fmt: skip


def test_lifting_what_does_not_hold_tells_nobody_and_writes_nothing(cast, nothing_told):
    by, now = cast.actor(cast.stella), clock.now()
    mute(cast, seconds=60, now=now - timedelta(seconds=100))
    OutboxRow.objects.all().delete()
    AuditEntry.objects.all().delete()
    muting.unmute_user(room=cast.room, identifier="mia", by=by, now=now)
    banning.lift_ban(room=cast.room, identifier="mia", by=by, now=now)
    banning.lift_ban_from_app(app=cast.app, identifier="mia", by=STAFF, now=now)
    assert not OutboxRow.objects.exists()
    assert not AuditEntry.objects.exists()
    assert not Mute.objects.exists()


def test_every_act_is_in_the_audit_log_with_whom_why_and_from_where(cast):
    AuditEntry.objects.all().delete()
    by, now, asked = cast.actor(cast.max), clock.now(), {"reason": "spam", "address": "203.0.113.5"}
    whole = {"room": cast.room, "by": by, "now": now, **asked}
    mute(cast, by=by, **asked)
    muting.unmute_user(identifier="mia", **whole)
    muting.mute_everyone(**whole)
    muting.unmute_everyone(**whole)
    ban(cast, by=by, seconds=None, **asked)
    banning.lift_ban(identifier="mia", **whole)
    app = {"app": cast.app, "identifier": "mia", "by": STAFF, "now": now, **asked}
    banning.ban_from_app(seconds=5, **app)
    banning.lift_ban_from_app(**app)
    rows = list(AuditEntry.objects.order_by("id"))
    assert [row.action for row in rows] == [
        "room.mute", "room.unmute", "room.mute_all", "room.unmute_all", "room.ban", "room.unban", "app.ban", "app.unban",
    ]  # fmt: skip
    assert {(row.reason, row.address) for row in rows} == {("spam", "203.0.113.5")}
    assert {row.actor for row in rows} == {"person:max", "staff:staff"}
    assert [row.target for row in rows] == ["mia", "mia", "r1", "r1", "mia", "mia", "mia", "mia"]
    assert [row.detail.get("seconds", "-") for row in rows][::2] == [60, "-", None, 5]
    with pytest.raises(BadParameter, match="limit is 300"):
        mute(cast, reason=checked(BanWriteSerializer, {"user": "mia", "reason": "x" * 301})["reason"])


# -- at once


@pytest.mark.django_db(transaction=True)
def test_two_bans_at_once_leave_one():
    cast = make_cast()
    acts = [lambda: ban(cast, seconds=60), lambda: ban_everywhere(cast, seconds=60), lambda: mute(cast, seconds=60)]
    answers = at_once(lambda number: acts[number % 3](), threads=12)
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert (Ban.objects.count(), Mute.objects.count()) == (2, 1)
    assert AuditEntry.objects.filter(action__in=["room.ban", "app.ban", "room.mute"]).count() == 12
