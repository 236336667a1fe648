"""Scores from facts: nothing counts twice, whoever dies; levels and badges follow what somebody has done."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.db import transaction

from interactions.audience import services as counting
from interactions.chat.services import archive
from interactions.chat.services.archive import Backlog
from interactions.delivery.presence import Presence
from interactions.delivery.rooms.archive_stream import ARCHIVE
from interactions.likes import redis_counter
from interactions.likes import services as given_likes
from interactions.models import ArchivedMessage, Badge, Cursor, PersonBadge, Score
from interactions.people.services import badges, levels, memberships, scoring
from interactions.room_refs import ref
from interactions.statistics.services.cursors import CountedElsewhere
from liveroom.accounts.facts import AppChanged
from liveroom.accounts.models import Person
from liveroom.kernel import clock, facts
from liveroom.kernel.data.redis import shared
from liveroom.kernel.errors import NotPermitted
from liveroom.kernel.models import AuditEntry
from liveroom.rooms.services.rooms import create_room
from tests.helpers.people import STAFF
from tests.helpers.published import control_messages, user_events

MINUTE = timedelta(minutes=1)


def score(person: Person, measure: str) -> int:
    return Score.objects.filter(person=person).values_list(measure, flat=True).first() or 0


def level(person: Person) -> int:
    return Person.objects.get(pk=person.pk).level


def shown(person: Person) -> list[str]:
    return Person.objects.get(pk=person.pk).badges


def said(room, sender: str, at, *, type: str = "comment", seq: int | None = None) -> None:
    ArchivedMessage.objects.create(
        room=room, sender=sender, type=type, at=at, seq=seq, epoch="e", event_id=f"{sender}{at}{type}{seq}",
        sampled="" if seq else "rate", body={},
    )  # fmt: skip


def follow(now) -> int:
    return levels.follow_scores(now=now + timedelta(seconds=4))


def test_messages_count_once_in_windows_that_meet(cast):
    now = clock.now()
    ritas = create_room(app=cast.other_app, owner=cast.rita, by=STAFF, now=now, group_id="r2", title="Rita's")
    assert scoring.count_messages(now=now) == 0  # from here on
    for second in range(30):
        said(cast.room, "mia", now + timedelta(seconds=second), seq=second + 1)
    said(cast.room, "mia", now, type="custom")
    said(cast.room, "mia", now, type="status", seq=99)
    said(cast.room, "backend", now)  # a server, which is no user
    said(cast.room, "", now, seq=98)
    said(ritas, "mia", now, seq=1)  # nobody of that name in rita's app
    said(ritas, "rita", now, seq=2)
    assert scoring.count_messages(now=now + timedelta(seconds=30)) == 0
    assert scoring.count_messages(now=now + timedelta(seconds=75)) == 17
    assert scoring.count_messages(now=now + timedelta(seconds=75)) == 0
    assert scoring.count_messages(now=now + timedelta(seconds=100)) == 15
    assert (score(cast.mia, "messages"), score(cast.rita, "messages"), score(cast.stella, "messages")) == (31, 1, 0)


def test_messages_wait_for_an_archive_that_is_behind(cast, monkeypatch):
    now = clock.now()
    scoring.count_messages(now=now)
    said(cast.room, "mia", now, seq=1)
    monkeypatch.setattr(archive, "backlog", lambda: Backlog(entries=3, lag_seconds=58))
    assert scoring.count_messages(now=now + 2 * MINUTE) == 0
    monkeypatch.setattr(archive, "backlog", lambda: Backlog(entries=3, lag_seconds=50))
    assert scoring.count_messages(now=now + 2 * MINUTE) == 1
    assert shared().xlen(ARCHIVE) == 0


def test_a_job_that_dies_counts_nothing_and_comes_again(cast, monkeypatch):
    now = clock.now()
    scoring.count_messages(now=now)
    said(cast.room, "mia", now, seq=1)
    with monkeypatch.context() as patch:
        patch.setattr(levels, "add", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            scoring.count_messages(now=now + 2 * MINUTE)
    assert scoring.count_messages(now=now + 2 * MINUTE) == 1
    assert score(cast.mia, "messages") == 1


def test_of_two_that_count_at_once_one_counts(cast, monkeypatch):
    now = clock.now()
    scoring.count_messages(now=now)
    said(cast.room, "mia", now, seq=1)
    place = scoring.cursors.place_of

    def slow(name, **first):
        before = place(name, **first)
        Cursor.objects.filter(name=name).update(at=now + MINUTE)  # the other one is through
        return before

    monkeypatch.setattr(scoring.cursors, "place_of", slow)
    assert scoring.count_messages(now=now + 2 * MINUTE) == 0
    assert score(cast.mia, "messages") == 0


def like(cast, person: Person, count: int) -> None:
    redis_counter.add_now(room=ref(cast.room), person=person.identifier, nick="n", count=count)


def test_likes_are_taken_in_portions_and_a_portion_counts_once(cast, monkeypatch):
    like(cast, cast.mia, 30)
    like(cast, cast.max, 5)
    with monkeypatch.context() as patch:  # dies after the commit, before Redis lets it go
        patch.setattr(given_likes, "forget_taken_likes", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            scoring.count_likes(now=clock.now())
    like(cast, cast.mia, 10)
    assert scoring.count_likes(now=clock.now()) == 0
    assert (score(cast.mia, "likes"), score(cast.max, "likes")) == (30, 5)
    assert scoring.count_likes(now=clock.now()) == 10
    assert scoring.count_likes(now=clock.now()) == 0
    assert (score(cast.mia, "likes"), score(cast.max, "likes")) == (40, 5)


def test_a_minute_online_is_a_minute_in_however_many_rooms(cast, monkeypatch):
    here = [
        (cast.app.pk, "mia"),
        (cast.app.pk, "mia"),
        (cast.app.pk, "max"),
        (cast.other_app.pk, "rita"),
        (cast.app.pk, "x"),
    ]
    monkeypatch.setattr(scoring, "_present", lambda: here)
    now = clock.now()

    def look(times: int, at) -> int:
        return sum(scoring.count_minutes(now=at) for _ in range(times))

    for _ in range(scoring.PORTIONS):
        assert look(1, now) <= 3
    assert look(20, now) == 0
    assert [score(person, "minutes") for person in (cast.mia, cast.max, cast.rita)] == [1, 1, 1]
    assert look(20, now + timedelta(seconds=59)) == 0
    assert look(20, now + timedelta(seconds=61)) == 3
    assert look(20, now + timedelta(seconds=119)) == 0
    assert look(20, now + timedelta(minutes=9)) == 3  # a minute, and not all that nobody looked at
    assert score(cast.mia, "minutes") == 3


def test_who_is_in_a_room_is_known_from_the_sockets(cast):
    async def come() -> None:
        presence = Presence("socket-1", apart_seconds=0)
        heart = asyncio.ensure_future(presence.run())
        for person in ("mia", "max", None):
            presence.entered(room=ref(cast.room), person=person, shown=None, counted=True)
        await asyncio.sleep(0.2)
        heart.cancel()

    asyncio.run(come())
    assert counting.write_online_counts() == 1
    now = clock.now()
    assert sum(scoring.count_minutes(now=now) for _ in range(scoring.PORTIONS)) == 2
    assert [score(person, "minutes") for person in (cast.mia, cast.max, cast.zed)] == [1, 1, 0]


def test_gifts_and_refunds_make_and_unmake_a_level(cast):
    now = clock.now()
    levels.add_gift_values({cast.mia.pk: 200, cast.max.pk: 49, cast.rita.pk: 0}, now)
    assert follow(now) == 2
    assert follow(now) == 0
    assert (level(cast.mia), level(cast.max), score(cast.mia, "points")) == (2, 0, 200)
    levels.add_gift_values({cast.mia.pk: -151}, now + MINUTE)
    follow(now + MINUTE)
    assert (level(cast.mia), score(cast.mia, "points")) == (0, 49)
    told = user_events()
    assert [(event["type"], event["level"], event["points"], event["next"]) for event in told] == [
        ("level", 2, 200, 500), ("level", 0, 49, 50),
    ]  # fmt: skip
    shown = [(who, said["profile"]) for who, said in control_messages() if said["control"] == "profile"]
    assert [who for who, profile in shown if profile["level"] == 2] == [f"{cast.app.sdkappid}:mia"]


def test_where_the_app_has_no_thresholds_levels_are_its_own(cast):
    cast.app.level_thresholds = []
    cast.app.save()
    Person.objects.filter(pk=cast.mia.pk).update(level=42)
    levels.add_gift_values({cast.mia.pk: 10**6}, clock.now())
    follow(clock.now())
    assert (level(cast.mia), score(cast.mia, "points")) == (42, 10**6)
    assert not user_events()


def test_each_app_weighs_by_its_own_settings(cast):
    cast.other_app.level_weights = {"minutes": 0, "messages": 0, "likes": 0, "gift_value": 1_000_000, "member": 0}
    cast.other_app.level_thresholds = [10**6]
    cast.other_app.save()
    now = clock.now()
    levels.add_gift_values({cast.mia.pk: 49, cast.rita.pk: 10**13}, now)
    follow(now)
    assert (level(cast.mia), level(cast.rita)) == (0, 1)
    assert score(cast.rita, "points") == 2**62


def test_many_are_followed_in_parts_and_nobody_is_left_out(cast, monkeypatch):
    monkeypatch.setattr(levels, "AT_ONCE", 7)
    monkeypatch.setattr(levels, "ROWS", 3)
    people = Person.objects.bulk_create(Person(app=cast.app, identifier=f"p{n}") for n in range(20))
    now = clock.now()
    levels.add_gift_values({person.pk: 50 for person in people}, now)
    looks = []
    while done := follow(now):
        looks.append(done)
    assert looks == [7, 7, 6]
    assert Person.objects.filter(level=1).count() == 20
    levels.look_again(person_ids=[person.pk for person in people], now=now)
    levels.look_again(person_ids=[people[0].pk], now=now)
    assert [follow(now) for _ in range(4)] == [7, 7, 6, 0]


def test_a_change_that_is_committed_late_is_followed_whatever_its_clock_says(cast):
    """Its transaction took an hour, or its host's clock is behind: no instant decides what was followed."""
    now = clock.now()
    levels.add_gift_values({cast.zed.pk: 50}, now)
    assert follow(now) == 1
    levels.add_gift_values({cast.mia.pk: 50}, now - timedelta(hours=1))
    assert follow(now) == 1
    assert level(cast.mia) == 1


def test_of_two_that_follow_the_same_change_one_tells(cast):
    now = clock.now()
    levels.add_gift_values({cast.mia.pk: 50}, now)
    mine, others = (list(levels._changed().select_related("person")) for _ in range(2))
    with transaction.atomic():
        levels._weigh(others, now)
    with pytest.raises(CountedElsewhere), transaction.atomic():
        levels._weigh(mine, now)
    [told] = user_events()
    assert told["type"] == "level"


def test_what_is_added_while_a_change_is_followed_is_followed_next(cast, monkeypatch):
    now = clock.now()
    levels.add_gift_values({cast.mia.pk: 50}, now)
    weigh = levels._weigh

    def meanwhile(rows, at):
        levels.add_gift_values({cast.mia.pk: 1}, now)
        weigh(rows, at)

    with monkeypatch.context() as patch:
        patch.setattr(levels, "_weigh", meanwhile)
        assert follow(now) == 1
    assert score(cast.mia, "points") == 50
    assert follow(now) == 1
    assert (score(cast.mia, "points"), follow(now)) == (51, 0)


def test_a_membership_counts_while_it_lasts(cast):
    now = clock.now()
    memberships.give_membership(person=cast.mia, until=now + MINUTE, by=STAFF, now=now)
    scoring.end_memberships(now=now)
    follow(now)
    assert level(cast.mia) == 3
    assert scoring.end_memberships(now=now + 2 * MINUTE) == 1
    assert scoring.end_memberships(now=now + 2 * MINUTE) == 0
    follow(now + 2 * MINUTE)
    assert level(cast.mia) == 0
    memberships.give_membership(person=cast.mia, until=None, by=STAFF, now=now + 3 * MINUTE)
    follow(now + 3 * MINUTE)
    assert level(cast.mia) == 3
    memberships.end_membership(person=cast.mia, by=STAFF, now=now + 4 * MINUTE)
    memberships.end_membership(person=cast.mia, by=STAFF, now=now + 4 * MINUTE)
    follow(now + 4 * MINUTE)
    assert level(cast.mia) == 0
    assert AuditEntry.objects.filter(action="membership.end").count() == 1
    with pytest.raises(NotPermitted):
        memberships.give_membership(person=cast.mia, until=None, by=cast.actor(cast.mia), now=now)


def make_badge(cast, code: str, measure: str, at_least: int = 0, place: int = 0) -> Badge:
    return Badge.objects.create(
        app=cast.app, code=code, label=code.upper(), name=code, measure=measure, at_least=at_least, place=place
    )


def test_badges_are_earned_lost_given_and_taken(cast):
    now = clock.now()
    make_badge(cast, "gifts", "gift_value", 100, place=2)
    make_badge(cast, "two", "level", 2, place=3)
    make_badge(cast, "club", "member", place=4)
    vip = make_badge(cast, "vip", "given", place=1)
    levels.add_gift_values({cast.mia.pk: 200, cast.rita.pk: 200}, now)
    badges.give_badge(badge=vip, identifier="mia", by=STAFF, now=now)
    memberships.give_membership(person=cast.mia, until=None, by=STAFF, now=now)
    follow(now)
    assert shown(cast.mia) == ["VIP", "GIFTS", "TWO"]
    assert PersonBadge.objects.filter(person=cast.mia).count() == 4
    assert shown(cast.rita) == []
    event = user_events()[0]
    assert event["badges"] == ["VIP", "GIFTS", "TWO"]
    badges.take_badge(badge=vip, identifier="mia", by=STAFF, now=now + MINUTE)
    levels.add_gift_values({cast.mia.pk: -150}, now + MINUTE)
    follow(now + MINUTE)
    assert shown(cast.mia) == ["TWO", "CLUB"]  # 50 points, and 500 of a member
    with pytest.raises(badges.BadParameter):
        badges.take_badge(badge=vip, identifier="mia", by=STAFF, now=now + MINUTE)
    assert set(AuditEntry.objects.filter(action__startswith="badge.").values_list("action", flat=True)) == {
        "badge.give", "badge.take",
    }  # fmt: skip


def test_new_thresholds_are_applied_to_everybody_of_the_app(cast):
    now = clock.now()
    levels.add_gift_values({cast.mia.pk: 60, cast.rita.pk: 60}, now)
    follow(now)
    cast.app.level_thresholds = [100]
    cast.app.save()
    for changed in (("name",), ("level_thresholds", "name")):
        with transaction.atomic():
            facts.state(AppChanged(app_id=cast.app.pk, sdkappid=cast.app.sdkappid, at=now + MINUTE, changed=changed))
    assert follow(now + MINUTE) == 1
    assert (level(cast.mia), level(cast.rita)) == (0, 1)


def test_a_new_rule_of_the_app_is_applied_to_everybody(cast):
    now = clock.now()
    levels.add_gift_values({cast.mia.pk: 60, cast.rita.pk: 60}, now)
    follow(now)
    cast.app.level_thresholds = [1, 2, 3]
    cast.app.save()
    assert levels.look_at_everybody(app_id=cast.app.pk, now=now + MINUTE) == 1
    assert follow(now + MINUTE) == 1
    assert (level(cast.mia), level(cast.rita)) == (3, 1)
