"""A show in numbers: sampled once per ten seconds whoever looks, counted anew from rows, summed up once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from django.db import connection

from interactions.delivery.presence import scripts as presence
from interactions.models import (
    ArchivedMessage,
    Cursor,
    Follow,
    Gift,
    MinuteStat,
    Order,
    SentGift,
    SessionSummary,
    SessionViewer,
)
from interactions.statistics import selectors
from interactions.statistics.services import recounting, sampling, summarising
from interactions.statistics.services.recounting import recount
from interactions.statistics.services.sampling import sample
from interactions.statistics.services.summarising import summarise_due
from liveroom.kernel.data.redis import shared
from liveroom.rooms.models import LiveSession, Room
from streams.models import Publish
from tests.helpers.archive import tick
from tests.helpers.people import STAFF, Cast, create_room, make_person
from tests.helpers.published import in_outbox
from tests.sockets.test_protocol import fits

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def there(room: Room, *people: str, guests: int = 0) -> None:
    """What a socket process says of the room."""
    shared().delete(*presence.read_keys(room.key)[:3])
    words: list[Any] = [arg for one in people for arg in (one, 0)]
    args = ["test", 600_000, len(people) + guests, guests, len(people), 1, 1, len(people), 0, *words]
    presence.BEAT.ask_now(shared(), presence.BEAT.call(presence.beat_keys(room.key), args))


def go_live(room: Room, *, started: float = 0, sequence: str = "s1") -> LiveSession:
    return LiveSession.objects.create(room=room, sequence=sequence, started_at=at(started))


def end(session: LiveSession, seconds: float) -> None:
    LiveSession.objects.filter(pk=session.pk).update(ended_at=at(seconds))
    session.refresh_from_db()


def dying(place: Any, name: str, call: Callable[[], Any]) -> None:
    """The call, with a process that is killed when it comes to `name`."""

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, name, dies)
        with pytest.raises(KeyboardInterrupt):
            call()


@pytest.fixture
def show(cast: Cast) -> LiveSession:
    return go_live(cast.room)


def minute(show: LiveSession, number: int = 0) -> MinuteStat:
    return MinuteStat.objects.get(session=show, minute=NOON + timedelta(minutes=number))


def watched(show: LiveSession) -> dict[str, int]:
    return dict(SessionViewer.objects.filter(session=show).values_list("person__identifier", "seconds"))


# -- samples


def test_a_minute_knows_how_many_were_there_and_for_how_long(cast: Cast, show: LiveSession) -> None:
    there(cast.room, "mia", "zed", guests=3)
    assert [sample(now=at(seconds)) for seconds in (4, 10, 20)] == [1, 1, 1]
    there(cast.room, "mia")
    assert sample(now=at(30)) == 1
    row = minute(show)
    assert (row.samples, row.online_sum, row.online_peak, row.guests_peak) == (4, 16, 5, 3)
    assert row.watch_seconds == 5 * (4 + 6 + 10) + 10
    assert watched(show) == {"mia": 30, "zed": 20}
    assert SessionViewer.objects.get(person=cast.mia).first_at == at(4)


def test_a_second_look_and_a_second_relay_in_the_same_ten_seconds_change_nothing(cast: Cast, show: LiveSession) -> None:
    there(cast.room, "mia")
    assert sample(now=at(11)) == 1
    seen = sampling.due_shows(now=at(21))
    assert [sample(now=at(seconds)) for seconds in (11, 15, 19.9, 8)] == [0, 0, 0, 0]
    assert sample(now=at(21)) == 1
    # The other relay had looked who is due before we wrote.
    assert sampling._claimed(seen, at(22)) == []
    assert (minute(show).samples, watched(show)) == (2, {"mia": 21})


@pytest.mark.parametrize("step", ["_count_minutes", "_count_viewers"])
def test_whoever_dies_within_a_sample_has_counted_nothing(cast: Cast, show: LiveSession, step: str) -> None:
    there(cast.room, "mia")
    sample(now=at(10))

    dying(sampling, step, lambda: sample(now=at(20)))
    assert (minute(show).samples, watched(show)) == (1, {"mia": 10})
    sample(now=at(21))
    assert (minute(show).samples, watched(show)) == (2, {"mia": 21})


def test_an_outage_is_nobodys_time_and_leaves_a_gap(cast: Cast, show: LiveSession) -> None:
    there(cast.room, "mia")
    sample(now=at(10))
    sample(now=at(600))
    assert watched(show) == {"mia": 30}
    assert list(MinuteStat.objects.values_list("samples", flat=True)) == [1, 1]
    line, each = selectors.timeline(session=show, now=at(610), at_most=100)
    assert (len(line), each) == (11, 1)
    assert [one.online_mean for one in line[:2]] == [1.0, None]


def test_while_redis_is_away_nothing_is_counted(cast: Cast, show: LiveSession, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            "interactions.delivery.presence.many_rooms.redis_for",
            lambda _: redis.Redis.from_url("redis://127.0.0.1:1/0"),
        )
        with pytest.raises(redis.RedisError):
            sample(now=at(10))
    assert not Cursor.objects.exists()
    assert sample(now=at(12)) == 1


def test_a_room_that_nobody_watches_has_its_minutes_too(cast: Cast, show: LiveSession) -> None:
    sample(now=at(10))
    assert (minute(show).samples, minute(show).online_peak, minute(show).watch_seconds) == (1, 0, 0)
    assert watched(show) == {}


def test_rooms_are_sampled_apart_whoever_is_in_both(cast: Cast, show: LiveSession) -> None:
    second = create_room(app=cast.app, owner=cast.max, by=STAFF, now=NOON, group_id="second", title="Max's")
    other = create_room(app=cast.other_app, owner=cast.rita, by=STAFF, now=NOON, group_id="r1", title="Rita's")
    make_person(cast.other_app, "mia")
    shows = [show, go_live(second, sequence="s2"), go_live(other, sequence="s3")]
    LiveSession.objects.create(room=create_room(app=cast.app, owner=cast.zed, by=STAFF, now=NOON, title="over"),
                               sequence="s4", started_at=NOON, ended_at=at(1))  # fmt: skip
    there(cast.room, "mia", "zed")
    there(second, "mia", guests=1)
    there(other, "mia", "nobody we know")
    assert sample(now=at(10)) == 3
    assert [watched(one) for one in shows] == [{"mia": 10, "zed": 10}, {"mia": 10}, {"mia": 10}]
    assert [minute(one).online_peak for one in shows] == [2, 2, 2]
    assert SessionViewer.objects.get(session=shows[2]).person.app == cast.other_app


def test_one_look_takes_a_bounded_number_and_the_next_goes_on_with_those_that_wait_longest(
    cast: Cast, show: LiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        go_live(create_room(app=cast.app, owner=cast.max, by=STAFF, now=NOON, group_id=name, title=name), sequence=name)
    monkeypatch.setattr(sampling, "MOST_SHOWS", 2)
    assert [sample(now=at(seconds)) for seconds in (11, 12, 13, 20, 21)] == [2, 1, 0, 2, 1]
    monkeypatch.setattr(sampling, "MOST_PEOPLE", 10)
    Room.objects.update(online=30)
    assert [sample(now=at(seconds)) for seconds in (30, 31, 32, 33)] == [1, 1, 1, 0]


def test_likes_are_differences_of_a_total_that_only_rises(cast: Cast, show: LiveSession) -> None:
    for seconds, likes in ((5, 100), (15, 130), (61, 150), (71, 120), (85, 160)):
        Room.objects.filter(pk=cast.room.pk).update(likes=likes)
        sample(now=at(seconds))
    assert [minute(show, n).likes for n in (0, 1)] == [30, 30]
    assert minute(show, 1).likes_total == 160


# -- what is counted from rows


def say(show: LiveSession, seconds: float, *, type: str = "comment", seq: int | None = None) -> None:
    ArchivedMessage.objects.create(
        room=show.room,
        session=show,
        type=type,
        at=at(seconds),
        body={},
        seq=seq,
        epoch="a",
        event_id=f"{type}{seconds}",
    )


def give(cast: Cast, show: LiveSession, seconds: float, total: int, *, count: int = 1) -> Order:
    gift, _ = Gift.objects.get_or_create(app=cast.app, code="rose", defaults={"name": "Rose", "price": 1})
    common = {"app": cast.app, "person": cast.mia, "amount": total, "body_sha256": "", "answer": {}, "by": "mia"}
    order = Order.objects.create(kind=Order.GIFT, number=f"o{seconds}", key=f"k{seconds}", at=at(seconds), **common)
    SentGift.objects.create(
        order=order, room=show.room, session=show, gift=gift, buyer=cast.mia, streamer=cast.stella, count=count,
        total=total, share=0, at=at(seconds),
    )  # fmt: skip
    return order


def refund(order: Order) -> None:
    Order.objects.create(
        kind=Order.REFUND, number="r" + order.number, key="r" + order.key, at=order.at, app=order.app, person=order.person,
        amount=order.amount, body_sha256="", answer={}, by="staff", refund_of=order,
    )  # fmt: skip


def test_minutes_are_counted_anew_from_their_rows(cast: Cast, show: LiveSession) -> None:
    there(cast.room, "mia", "zed")
    sample(now=at(10))
    for seconds, kind, seq in (
        (1, "comment", 1),
        (2, "comment", None),
        (3, "custom", 2),
        (4, "status", 3),
        (65, "comment", 4),
    ):
        say(show, seconds, type=kind, seq=seq)  # fmt: skip
    order = give(cast, show, 30, 500)
    give(cast, show, 31, 40)
    Follow.objects.create(follower=cast.mia, streamer=cast.stella, at=at(70))
    Follow.objects.create(follower=cast.zed, streamer=cast.stella, at=at(-1))
    Follow.objects.create(follower=cast.zed, streamer=cast.max, at=at(71))
    assert recount(now=at(80)) == 2
    first, second = minute(show), minute(show, 1)
    assert (first.comments, first.gift_value, first.new_viewers, first.followers, first.samples) == (3, 540, 2, 0, 1)
    assert (second.comments, second.followers, second.samples) == (1, 1, 0)
    assert recount(now=at(80)) == 0  # a second run writes nothing
    refund(order)
    assert recount(now=at(85)) == 1
    assert minute(show).gift_value == 40
    sample(now=at(90))
    assert (minute(show, 1).comments, minute(show, 1).samples) == (1, 1)


def test_what_nobody_counted_during_an_outage_is_counted_after_it(cast: Cast, show: LiveSession) -> None:
    recount(now=at(0))
    for number in range(100):
        say(show, 60 * number + 5, seq=number)
    assert [recount(now=at(6000)) for _ in range(3)] == [58, 42, 0]
    assert MinuteStat.objects.filter(session=show, comments=1).count() == 100


def test_whoever_dies_while_counting_anew_is_repeated(cast: Cast, show: LiveSession) -> None:
    say(show, 5, seq=1)
    recount(now=at(6))
    say(show, 7, seq=2)

    dying(recounting, "_write", lambda: recount(now=at(8)))
    assert minute(show).comments == 1
    recount(now=at(9))
    assert minute(show).comments == 2


def push(cast: Cast, show: LiveSession, begins: float, ends: float | None, reason: str = "left") -> None:
    Publish.objects.create(
        stream=cast.stream, session=show, client_id=str(begins), started_at=at(begins),
        ended_at=None if ends is None else at(ends), end_reason=reason,
    )  # fmt: skip


def test_a_lost_picture_is_a_drop_unless_it_was_taken_over_or_was_the_end(cast: Cast, show: LiveSession) -> None:
    push(cast, show, 0, 20)
    push(cast, show, 25, 40, "replaced")
    push(cast, show, 40, 70, "gone")
    recount(now=at(75))
    assert [minute(show, number).drops for number in (0, 1)] == [1, 1]
    end(show, 190)
    recount(now=at(195))
    assert [minute(show, number).drops for number in (0, 1)] == [1, 0]


def test_of_two_shows_in_one_minute_each_has_its_own(cast: Cast, show: LiveSession) -> None:
    there(cast.room, "mia")
    sample(now=at(10))
    end(show, 20)
    second = go_live(cast.room, started=25, sequence="s2")
    sample(now=at(31))
    Follow.objects.create(follower=cast.mia, streamer=cast.stella, at=at(15))
    Follow.objects.create(follower=cast.zed, streamer=cast.stella, at=at(30))
    say(show, 12, seq=1)
    say(second, 33, seq=2)
    say(second, 34, seq=3)
    recount(now=at(40))
    assert [(minute(one).comments, minute(one).followers, minute(one).new_viewers) for one in (show, second)] == [
        (1, 1, 1),
        (2, 1, 1),
    ]
    assert (watched(show), watched(second)) == ({"mia": 10}, {"mia": 6})


# -- summaries


def told() -> list[dict[str, Any]]:
    return [said for said in in_outbox("user") if said["event"]["type"] == "summary"]


def test_a_show_that_is_over_is_summed_up_once_and_its_streamer_told(cast: Cast, show: LiveSession) -> None:
    there(cast.room, "mia", "zed", guests=2)
    for seconds in (10, 20, 30):
        sample(now=at(seconds))
    say(show, 12, seq=1)
    give(cast, show, 15, 300, count=3)
    end(show, 35)
    assert summarise_due(now=at(50)) == 0
    say(show, 34, seq=2)  # a late row of the archive
    assert summarise_due(now=at(56)) == 1
    found = SessionSummary.objects.get()
    assert selectors.figures(found) == {
        "seconds": 35, "online_peak": 4, "online_mean": 4.0, "viewers": 4, "watch_seconds": 120, "comments": 2, "likes": 0,
        "gifts": 3, "gift_value": 300, "followers": 0, "drops": 0,
    }  # fmt: skip
    assert summarise_due(now=at(60)) == 0
    assert summarising.summarise(session=show, now=at(60)) is None
    [letter] = told()
    assert letter["to"]["person"] == f"{cast.app.sdkappid}:stella"
    assert (letter["event"]["session"], letter["event"]["summary"]["viewers"]) == ("s1", 4)
    fits("you_summary", {"useq": 1, **letter["event"]})
    assert not Cursor.objects.filter(name=sampling.cursor_of(show.pk)).exists()


def test_a_show_that_nobody_watched_is_summed_up_as_well(cast: Cast, show: LiveSession) -> None:
    end(show, 0)
    assert summarise_due(now=at(30)) == 1
    assert set(selectors.figures(SessionSummary.objects.get()).values()) == {0}


def test_whoever_dies_before_the_summary_is_written_has_told_nobody(cast: Cast, show: LiveSession) -> None:
    end(show, 10)

    for place, name in ((SessionSummary, "save"), (summarising, "publish_durably")):
        dying(place, name, lambda: summarise_due(now=at(40)))
        assert (SessionSummary.objects.count(), told()) == (0, [])
    assert (summarise_due(now=at(41)), len(told())) == (1, 1)


def test_an_archive_that_is_behind_is_waited_for_but_not_for_ever(cast: Cast, show: LiveSession) -> None:
    end(show, 10)
    real = datetime.now(UTC)
    LiveSession.objects.filter(pk=show.pk).update(
        started_at=real - timedelta(hours=1), ended_at=real - timedelta(seconds=30)
    )
    ms = int(real.timestamp() * 1000)
    tick(shared(), b'{"seq":1,"type":"comment"}', at=ms - 40_000, id=f"{ms - 40_000}-0")
    assert summarise_due(now=real) == 0
    assert summarise_due(now=real + timedelta(minutes=11)) == 1


def test_old_shows_are_summed_up_without_a_word(cast: Cast, show: LiveSession) -> None:
    end(show, 3600)
    assert summarise_due(now=at(3600) + timedelta(days=2)) == 1
    assert told() == []


def test_what_the_archive_has_forgotten_of_a_long_show_stays_counted(cast: Cast, show: LiveSession) -> None:
    say(show, 5, seq=1)
    recount(now=at(10))
    ArchivedMessage.objects.all().delete()
    days = timedelta(days=cast.app.archive_days + 5)
    LiveSession.objects.filter(pk=show.pk).update(ended_at=NOON + days)
    assert summarise_due(now=NOON + days + timedelta(minutes=1)) == 1
    assert SessionSummary.objects.get().comments == 1


def test_shows_are_compared_with_the_last_of_their_own_room(cast: Cast, show: LiveSession) -> None:
    end(show, 10)
    second = go_live(cast.room, started=100, sequence="s2")
    end(second, 110)
    elsewhere = create_room(app=cast.app, owner=cast.max, by=STAFF, now=NOON, group_id="max", title="Max's")
    end(go_live(elsewhere, started=50, sequence="s3"), 60)
    summarise_due(now=at(200))
    assert [one.session.sequence for one in selectors.latest_summaries(session=second, count=10)] == ["s1", "s2"]
    assert [one.session.sequence for one in selectors.latest_summaries(session=show, count=10)] == ["s1"]


def test_a_full_room_takes_few_statements(
    cast: Cast, show: LiveSession, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    cast.app.people.model.objects.bulk_create(
        [cast.app.people.model(app=cast.app, identifier=f"v{number}") for number in range(2_500)]
    )
    there(cast.room, *(f"v{number}" for number in range(2_500)))
    with django_assert_max_num_queries(10):
        sample(now=at(10))
    assert SessionViewer.objects.filter(session=show, seconds=10).count() == 2_500
    assert connection.vendor in ("sqlite", "postgresql")
