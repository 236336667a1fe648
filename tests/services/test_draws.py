"""Draws: who enters, who is refused, and that a draw is drawn once, whatever happens in the middle (D1, D2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.db import DatabaseError, connection

from interactions.chat.archive.archiver import Archiver
from interactions.chat.services import archive
from interactions.delivery.events import as_row
from interactions.delivery.rooms.archive_stream import ARCHIVE
from interactions.draws import explaining, rules, selectors
from interactions.draws.services import drawing, opening
from interactions.draws.shapes import DrawWriteSerializer
from interactions.gifts.services.buying import buy_gift
from interactions.models import ArchivedMessage, Draw, DrawEntry, DrawWinner, Follow, Membership
from liveroom.accounts.models import Person
from liveroom.kernel import clock
from liveroom.kernel.data.redis import shared
from liveroom.kernel.errors import BadParameter, LiveRoomError, NotPermitted
from liveroom.kernel.models import AuditEntry
from liveroom.kernel.permission import Actor
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.models import LiveSession
from liveroom.rooms.services.rooms import create_room, disband_room
from liveroom.rooms.services.status import set_status
from moderation.services import banning, muting
from tests.helpers.archive import said, tick
from tests.helpers.money import fill, make_gift, speaker
from tests.helpers.people import STAFF, Cast, make_person
from tests.helpers.published import room_events, told_people

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
LENGTH = 10


@pytest.fixture
def then() -> datetime:
    """When the draws of these tests open: they are over by now."""
    return clock.now().replace(microsecond=0) - 60 * SECOND


def opened(cast: Cast, then: datetime, **more: Any) -> Draw:
    asked = {"keyword": "666", "prize": "a rose", "winners": 1, "seconds": LENGTH, **more}
    said = checked(DrawWriteSerializer, asked)
    return opening.open_draw(room=cast.room, by=cast.actor(cast.max), now=then, **said)


def says(
    at: datetime, text: str, *people: Person | str, sampled: bool = False, room: str = "1400000000:r1", **more: Any
) -> None:
    """Everybody says it at that moment, and the archive reads it."""
    ms, start = int(at.timestamp() * 1000), ArchivedMessage.objects.count()
    events = []
    for number, who in enumerate(people, start=start + 1):
        name = who if isinstance(who, str) else who.identifier
        events.append(said(None if sampled else number, text, by=name, t=ms, id=f"e{number}", **more))
    if sampled:
        tick(shared(), sampled=tuple(b"rate " + event for event in events), at=ms, room=room)
    else:
        tick(shared(), *events, at=ms, room=room)
    Archiver(consumer="a").drain()


def finished(then: datetime, *, after: float = LENGTH + 2) -> int:
    return drawing.finish_due_draws(now=then + after * SECOND)


def entered(draw: Draw) -> set[str]:
    return set(DrawEntry.objects.filter(draw=draw).values_list("person__identifier", flat=True))


def refused(draw: Draw) -> dict[str, str]:
    return dict(DrawEntry.objects.filter(draw=draw).values_list("person__identifier", "refused"))


def won(draw: Draw) -> list[str]:
    return list(selectors.winners_of(draw).values_list("person__identifier", flat=True))


def told(type: str) -> list[dict[str, Any]]:
    return room_events(type)


def told_you() -> list[tuple[str, dict[str, Any]]]:
    return told_people("draw")


# -- entering


def test_who_says_the_keyword_while_it_is_open_enters_once_heard_or_not(cast: Cast, then: datetime) -> None:
    draw, start = opened(cast, then), then + SECOND
    says(start, " ６６６! ", cast.mia)
    says(start, "16667", cast.zed)
    assert entered(draw) == {"mia"}
    says(start + SECOND, "666", cast.mia, cast.zed, sampled=True)
    says(start + SECOND, "666", "nobody-we-know")
    says(start + SECOND, "666", cast.stella, type="custom")
    assert entered(draw) == {"mia", "zed"}
    assert DrawEntry.objects.get(draw=draw, person=cast.mia).at == start
    assert DrawEntry.objects.get(draw=draw, person=cast.mia).event_id == "e1"


def test_the_window_begins_with_its_first_millisecond_and_ends_before_its_last(cast: Cast, then: datetime) -> None:
    ann, ms = make_person(cast.app, "ann"), timedelta(milliseconds=1)
    draw = opened(cast, then)
    says(then - ms, "666", cast.max)
    says(then, "666", cast.mia)
    says(then + LENGTH * SECOND - ms, "666", cast.zed)
    says(then + LENGTH * SECOND, "666", ann)
    assert entered(draw) == {"mia", "zed"}


def test_several_draws_of_a_room_and_of_others_are_kept_apart(cast: Cast, then: datetime) -> None:
    other = create_room(app=cast.app, owner=cast.zed, by=STAFF, now=then - SECOND, group_id="r2", title="Zed's")
    first, second = opened(cast, then), opened(cast, then, keyword="777")
    elsewhere = opening.open_draw(
        room=other, keyword="666", prize="p", winners=1, seconds=LENGTH, by=cast.actor(cast.zed), now=then
    )
    says(then + SECOND, "666 777", cast.mia)
    says(then + SECOND, "666", cast.max, room=other.key)
    assert (entered(first), entered(second), entered(elsewhere)) == ({"mia"}, {"mia"}, {"max"})


def test_a_server_whose_key_is_called_like_a_user_enters_nobody(cast: Cast, then: datetime) -> None:
    draw, server = opened(cast, then), {"id": "mia", "nick": "mia", "avatar": "", "level": 0, "role": "owner"}
    says(then + SECOND, "666", cast.mia, **{"from": server})
    says(then + SECOND, "666", cast.stella, **{"from": server | {"id": "stella"}})
    assert entered(draw) == {"stella"}


def test_what_the_archive_read_before_the_opening_was_committed_counts_at_the_end(cast: Cast, then: datetime) -> None:
    says(then + SECOND, "666", cast.mia)
    draw = opened(cast, then)
    assert entered(draw) == set()
    assert finished(then) == 1
    assert won(draw) == ["mia"]


def test_a_batch_without_a_draw_costs_one_query_more(
    cast: Cast, then: datetime, django_assert_num_queries: Any
) -> None:
    tick(shared(), said(1, "666"))
    # who is asked: the room, the shows, the draws; what is written: the rows, between the two ends of a transaction
    with django_assert_num_queries(6):
        Archiver(consumer="a").drain()


# -- drawing


def test_a_draw_is_drawn_once_and_told_to_the_room_and_to_its_winners(cast: Cast, then: datetime) -> None:
    draw = opened(cast, then, winners=2)
    others = [make_person(cast.app, name) for name in ("ann", "bob", "李雷")]
    says(then + SECOND, "666", cast.mia, cast.zed, *others)
    assert finished(then, after=LENGTH + 1.9) == 0
    assert finished(then) == 1
    assert finished(then, after=60) == 0
    assert drawing.finish_draw(draw_id=draw.pk, now=then + 60 * SECOND) is None
    draw.refresh_from_db()
    names = ["mia", "zed", "ann", "bob", "李雷"]
    assert (draw.status, draw.entrants_count, draw.drawn_at) == ("drawn", 5, then + 12 * SECOND)
    assert won(draw) == rules.winners(seed=draw.seed, draw=draw.number, entrants=names, count=2)
    assert selectors.verification(draw).checks == {"commitment": True, "entrants": True, "winners": True}
    [result], [open_event] = told("draw_result"), told("draw_open")
    assert open_event["draw"]["commitment"] == rules.commitment(result["draw"]["seed"])
    assert "seed" not in open_event["draw"]
    assert [user["id"] for user in result["draw"]["winners"]] == won(draw)
    assert (result["draw"]["entrants"], result["draw"]["won"], result["draw"]["status"]) == (5, 2, "drawn")
    assert [(name, event["place"]) for name, event in told_you()] == [(won(draw)[0], 1), (won(draw)[1], 2)]
    assert told_you()[0][1]["draw"] == {"id": draw.number, "keyword": "666", "prize": "a rose"}


def test_with_fewer_entrants_than_winners_all_win_and_with_none_nobody(cast: Cast, then: datetime) -> None:
    few, none = opened(cast, then, winners=1000), opened(cast, then, keyword="777")
    says(then + SECOND, "666", cast.mia, cast.zed)
    assert finished(then) == 2
    assert sorted(won(few)) == ["mia", "zed"]
    assert won(none) == []
    none.refresh_from_db()
    assert (none.status, none.entrants_count, none.entrants_sha256) == ("drawn", 0, rules.entrants_sha256([]))
    assert all(selectors.verification(none).checks.values())


def test_bots_staff_the_muted_and_the_banned_take_no_part(cast: Cast, then: datetime) -> None:
    draw, now = opened(cast, then), clock.now()
    bot, muted, banned, out, blocked, chief, free = (
        make_person(cast.app, name)
        for name in ("@RBT#bot", "muted", "banned", "out", "blocked", "administrator", "free")
    )
    says(then + SECOND, "666", cast.mia, cast.stella, cast.max, bot, muted, banned, out, blocked, chief, free)
    by = {"by": STAFF, "now": then + 2 * SECOND}
    muting.mute_user(room=cast.room, identifier="muted", seconds=600, **by)
    muting.mute_user(room=cast.room, identifier="free", seconds=1, **by)
    banning.ban_user(room=cast.room, identifier="banned", seconds=None, **by)
    banning.ban_from_app(app=cast.app, identifier="out", seconds=None, **by)
    Person.objects.filter(pk=blocked.pk).update(blocked=True)
    muting.mute_everyone(room=cast.room, by=STAFF, now=now)
    assert finished(then) == 1
    assert refused(draw) == {
        "mia": "", "free": "", "stella": "staff", "max": "staff", "administrator": "staff", "@RBT#bot": "bot", "muted": "muted",
        "banned": "banned", "out": "banned", "blocked": "banned",
    }  # fmt: skip
    assert selectors.entrants_of(draw) == ["free", "mia"]
    assert explaining.refused_counts(draw) == {"banned": 3, "staff": 3, "bot": 1, "muted": 1}


def test_whoever_lacks_what_was_asked_for_is_refused_and_told_why(cast: Cast, then: datetime) -> None:
    set_status(room=cast.room, status="live", by=STAFF, now=then - 30 * SECOND)
    asked = {
        "level": {"min_level": 3},
        "follower": {"follower": True},
        "gift": {"gift": True},
        "member": {"member": True},
    }
    fit = {name: make_person(cast.app, f"has-{name}") for name in asked}
    made = {name: opened(cast, then, keyword=name, conditions=wanted) for name, wanted in asked.items()}
    Person.objects.filter(pk=fit["level"].pk).update(level=3)
    Follow.objects.create(follower=fit["follower"], streamer=cast.stella, at=then)
    Follow.objects.create(follower=cast.mia, streamer=cast.zed, at=then)
    make_gift(cast.app)
    fill(fit["gift"], 100)
    buy_gift(room=cast.room, gift="rose", count=1, key="k", speaker=speaker(fit["gift"]), now=then - 20 * SECOND)
    Membership.objects.create(person=fit["member"], since=then)
    Membership.objects.create(person=cast.zed, since=then - 9 * SECOND, until=then + LENGTH * SECOND)
    says(then + SECOND, "level follower gift member", cast.mia, cast.zed, *fit.values())
    assert finished(then) == 4
    for name, draw in made.items():
        found = refused(draw)
        assert found.pop(f"has-{name}") == ""
        assert set(found.values()) == {name}
        assert won(draw) == [f"has-{name}"]
        assert told("draw_open")[0]["draw"]["conditions"] == {"min_level": 3}


def test_a_draw_waits_until_the_archive_has_read_what_was_said_in_time(
    cast: Cast, then: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    draw = opening.open_draw(
        room=cast.room, keyword="666", prize="p", winners=1, seconds=LENGTH, by=STAFF, now=now - 13 * SECOND
    )
    assert explaining.waits_for(draw, now=now - 5 * SECOND) == ""
    ms = int((now - 4 * SECOND).timestamp() * 1000)
    tick(shared(), said(1, "666", t=ms), at=ms, id=f"{ms}-0")
    assert drawing.finish_due_draws(now=now) == 0
    assert "behind" in explaining.waits_for(draw, now=now)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "backlog", lambda **_: (_ for _ in ()).throw(redis.ConnectionError()))
        assert "Redis is away" in explaining.waits_for(draw, now=now)
        with pytest.raises(redis.ConnectionError):
            drawing.finish_due_draws(now=now)
    shared().xgroup_create(ARCHIVE, archive.GROUP, id="0")
    shared().xreadgroup(archive.GROUP, "slow", {ARCHIVE: ">"})
    assert drawing.finish_due_draws(now=now) == 0  # read, and not yet written
    Archiver(consumer="slow").drain()
    assert explaining.waits_for(draw, now=now) == ""
    assert drawing.finish_due_draws(now=now) == 1
    assert won(draw) == ["mia"]


def test_who_dies_in_the_middle_has_done_nothing(cast: Cast, then: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = opened(cast, then)
    says(then + SECOND, "666", cast.mia, cast.stella)
    with monkeypatch.context() as patch:
        patch.setattr(drawing, "shown_result", lambda *_, **__: (_ for _ in ()).throw(DatabaseError("gone")))
        with pytest.raises(DatabaseError):
            finished(then)
    draw.refresh_from_db()
    assert (draw.status, won(draw), set(refused(draw).values())) == ("open", [], {""})
    assert finished(then, after=30) == 1
    assert won(draw) == ["mia"]


def test_one_that_cannot_be_drawn_keeps_no_other_waiting(
    cast: Cast, then: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = opened(cast, then), opened(cast, then, keyword="777")
    finish = drawing.finish_draw

    def broken(*, draw_id: int, now: datetime) -> Any:
        if draw_id == first.pk:
            raise ValueError("a fault of ours")
        return finish(draw_id=draw_id, now=now)

    monkeypatch.setattr(drawing, "finish_draw", broken)
    assert finished(then) == 1
    assert set(Draw.objects.filter(status="drawn")) == {second}


def test_what_is_read_after_the_lot_has_fallen_changes_nothing(cast: Cast, then: datetime) -> None:
    draw = opened(cast, then)
    says(then + SECOND, "666", cast.mia)
    assert finished(then) == 1
    says(then + SECOND, "666", cast.zed)
    assert entered(draw) == {"mia"}
    draw.refresh_from_db()
    assert all(selectors.verification(draw).checks.values())


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_draw_once(cast: Cast, then: datetime) -> None:
    draw = opened(cast, then, winners=2)
    says(then + SECOND, "666", cast.mia, cast.zed)

    def sweep(_: int) -> int:
        try:
            return finished(then)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(sweep, range(4))) == 1
    assert sorted(won(draw)) == ["mia", "zed"]
    assert len(told("draw_result")) == 1


# -- planned, cancelled


def test_a_planned_draw_is_opened_when_its_time_comes_and_takes_words_from_then_on(cast: Cast, then: datetime) -> None:
    begins = then + 5 * SECOND
    draw = opened(cast, then, opens_at=begins)
    assert (draw.status, told("draw_open"), selectors.open_draws(cast.room)) == ("planned", [], [])
    set_status(room=cast.room, status="live", by=STAFF, now=then + SECOND)
    says(begins, "666", cast.mia)  # the relay is late, the word is not
    assert opening.open_due_draws(now=then + 4 * SECOND) == 0
    drawing.follow_draws(now=then + 6 * SECOND)
    draw.refresh_from_db()
    assert (draw.status, draw.session) == ("open", LiveSession.objects.get(room=cast.room))
    assert [event["draw"] for event in told("draw_open")] == [as_row(one) for one in selectors.open_draws(cast.room)]
    drawing.follow_draws(now=then + 18 * SECOND)
    assert won(draw) == ["mia"]
    assert selectors.open_draws(cast.room) == []


def test_a_cancelled_draw_has_no_winners_and_keeps_its_seed(cast: Cast, then: datetime) -> None:
    draw, by = opened(cast, then), cast.actor(cast.stella)
    says(then + SECOND, "666", cast.mia)
    for _ in range(2):
        opening.cancel_draw(draw=draw, by=by, now=then + 2 * SECOND, reason="a typo")
    [event] = told("draw_result")
    assert (event["draw"]["status"], event["draw"]["winners"], event["draw"]["seed"]) == ("cancelled", [], None)
    assert finished(then) == 0
    with pytest.raises(selectors.NotDrawnYet):
        selectors.verification(Draw.objects.get())
    drawn = opened(cast, then)
    assert finished(then) == 1
    with pytest.raises(opening.DrawOver):
        opening.cancel_draw(draw=drawn, by=by, now=then + 20 * SECOND)
    acts = AuditEntry.objects.filter(action__startswith="draw.").order_by("pk")
    assert [entry.action for entry in acts] == ["draw.open", "draw.cancel", "draw.open"]
    assert draw.seed not in str([entry.detail for entry in acts])


def test_a_planned_draw_that_nobody_was_told_of_is_cancelled_without_a_word(cast: Cast, then: datetime) -> None:
    draw = opened(cast, then, opens_at=then + 5 * SECOND)
    opening.cancel_draw(draw=draw, by=STAFF, now=then)
    assert told("draw_result") == []


def test_the_draws_of_a_room_end_with_it(cast: Cast, then: datetime) -> None:
    opened(cast, then)
    opened(cast, then, keyword="777", opens_at=then + 5 * SECOND)
    disband_room(room=cast.room, by=STAFF, now=then + 6 * SECOND)
    assert set(Draw.objects.values_list("status", flat=True)) == {"cancelled"}
    assert [event["draw"]["status"] for event in told("draw_result")] == ["cancelled"]
    drawing.follow_draws(now=then + 30 * SECOND)
    assert DrawWinner.objects.count() == 0


# -- what is refused


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"keyword": ""}, "keyword"),
        ({"keyword": "\u200b"}, "keyword"),
        ({"keyword": "x" * 61}, "keyword"),
        ({"keyword": 666}, "keyword"),
        ({"prize": " "}, "prize"),
        ({"prize": "x" * 201}, "prize"),
        ({"winners": 0}, "winners"),
        ({"winners": -1}, "winners"),
        ({"winners": 1001}, "winners"),
        ({"winners": 1.5}, "winners"),
        ({"winners": True}, "winners"),
        ({"winners": None}, "winners"),
        ({"seconds": 9}, "seconds"),
        ({"seconds": 86_401}, "seconds"),
        ({"seconds": None}, "seconds"),
        ({"seconds": 60, "closes_at": 60}, "seconds"),
        ({"seconds": None, "closes_at": -5}, "closes_at"),
        ({"seconds": None, "closes_at": 0}, "closes_at"),
        ({"seconds": None, "closes_at": 9}, "closes_at"),
        ({"seconds": None, "opens_at": 60, "closes_at": 30}, "closes_at"),
        ({"seconds": None, "closes_at": 90_000}, "closes_at"),
        ({"opens_at": -1}, "opens_at"),
        ({"opens_at": 91 * 86_400}, "opens_at"),
        ({"conditions": ["follower"]}, "conditions"),
        ({"conditions": {"rich": True}}, "conditions"),
        ({"conditions": {"follower": 1}}, "conditions"),
        ({"conditions": {"min_level": -1}}, "conditions.min_level"),
        ({"conditions": {"min_level": "3"}}, "conditions.min_level"),
    ],
)
def test_what_makes_no_draw_is_refused_and_says_which_field(
    cast: Cast, then: datetime, wrong: dict[str, Any], field: str
) -> None:
    for name in ("opens_at", "closes_at"):
        if name in wrong:
            wrong = {**wrong, name: then + wrong[name] * SECOND}
    with pytest.raises(BadParameter) as refusal:
        opened(cast, then, **wrong)
    assert refusal.value.extra["field"] == field
    assert not Draw.objects.exists()


def test_a_room_has_five_draws_at_once_each_with_its_own_word(cast: Cast, then: datetime) -> None:
    opened(cast, then, keyword="Win")
    with pytest.raises(opening.KeywordTaken):
        opened(cast, then, keyword=" ＷＩＮ ", opens_at=then + 60 * SECOND)
    for word in "abcd":
        opened(cast, then, keyword=word, opens_at=then + 60 * SECOND)
    with pytest.raises(opening.TooManyDraws):
        opened(cast, then, keyword="e")
    opening.cancel_draw(draw=Draw.objects.get(keyword="Win"), by=STAFF, now=then)
    opened(cast, then, keyword="win")


def test_only_who_runs_the_room_opens_and_cancels_draws(cast: Cast, then: datetime) -> None:
    create_room(app=cast.app, owner=cast.zed, by=STAFF, now=then, group_id="r2", title="Zed's")
    draw = opened(cast, then)
    unscoped = Actor(kind="server", app_id=cast.app.pk, sdkappid=cast.app.sdkappid, scopes=frozenset({"rooms"}))
    for actor in (cast.actor(cast.mia), cast.actor(cast.zed), cast.actor(cast.rita), unscoped):
        with pytest.raises(NotPermitted):
            opening.open_draw(room=cast.room, keyword="x", prize="p", winners=1, seconds=60, by=actor, now=then)
        with pytest.raises(NotPermitted):
            opening.cancel_draw(draw=draw, by=actor, now=then)
    banning.ban_user(room=cast.room, identifier="max", seconds=60, by=STAFF, now=clock.now())
    with pytest.raises(LiveRoomError):
        opened(cast, then, keyword="y")


# -- why did she not win?


def test_every_answer_to_why_she_did_not_win(cast: Cast, then: datetime) -> None:
    ann, bob = make_person(cast.app, "ann"), make_person(cast.app, "bob")
    draw = opened(cast, then, winners=1)
    says(then - 5 * SECOND, "666", ann)
    says(then + 2 * SECOND, "6666", bob)
    says(then + SECOND, "666", cast.mia, cast.zed, cast.max)
    ask = explaining.why_not
    assert "the lot has not fallen yet" in ask(draw, identifier="mia")
    assert finished(then) == 1
    draw.refresh_from_db()
    [winner] = won(draw)
    [loser] = {"mia", "zed"} - {winner}
    assert ask(draw, identifier=winner) == f"{winner} won: place 1 of 2."
    assert "the lot fell on others: place 2 of 2, and 1 won" in ask(draw, identifier=loser)
    assert "was refused: the owner and the admins" in ask(draw, identifier="max")
    assert "'666' at" in ask(draw, identifier="ann")
    assert "before it opened" in ask(draw, identifier="ann")
    assert "'6666'" in ask(draw, identifier="bob")
    assert "no comment of this user" in ask(draw, identifier="stella")
    assert ask(draw, identifier="who") == "There is no user 'who' in this app."
