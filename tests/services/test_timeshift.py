"""Which streams have a window: by rule, by the deployment's default, until the show is over; who writes it; who is kept behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from liveroom.rooms.rules.status import Status
from liveroom.rooms.services.status import publisher_came, set_status
from streams import addresses, selectors
from streams.models import Publish, TimeShift
from streams.plans.models import Rule, Template
from streams.plans.settings import TIMESHIFT, read, written
from streams.rules import url_signing
from streams.timeshift import services
from streams.timeshift.rules import Held
from streams.timeshift.selectors import state_of
from tests.helpers.people import Cast
from tests.helpers.published import room_events

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HTTP = "http://here"


def template(cast: Cast, **said: object) -> Template:
    found = written(read(TIMESHIFT, said))
    return Template.objects.create(
        app=cast.app, kind=TIMESHIFT, name="usual", settings=found, created_at=NOW, updated_at=NOW
    )


def publish(cast: Cast) -> Publish:
    return Publish.objects.create(stream=cast.stream, client_id="7", started_at=NOW)


def apply(cast: Cast, of: Template | None, one: Publish, *, at: datetime = NOW) -> TimeShift | None:
    services.shift_by_plan(stream=cast.stream, template=of, publish=one, now=at)
    return TimeShift.objects.filter(stream=cast.stream).first()


def play(cast: Cast, who: object, *, at: datetime = NOW):
    found = addresses.play_addresses(room=cast.room, actor=cast.actor(who), now=at, http=HTTP)
    assert found is not None
    return found


def told(cast: Cast) -> list[int]:
    return [event["timeshift"] for event in room_events("stream") if event.get("timeshift") is not None]


def test_a_rule_makes_a_window_and_viewers_are_told(cast: Cast):
    one = publish(cast)
    row = apply(cast, template(cast, duration_seconds=7200, item_seconds=4), one)
    assert row is not None
    assert (row.seconds, row.item_seconds, row.delay_seconds, row.template_name) == (7200, 4, 0, "usual")
    shown = play(cast, cast.mia, at=NOW + timedelta(hours=3)).as_dict()["timeshift"]
    assert "/dvr/index.m3u8?" in shown["url"]
    assert (shown["seconds"], shown["delay"]) == (7200, 0)
    assert shown["from"] == "2026-11-29T13:00:00Z"
    assert told(cast) == [7200]
    apply(cast, Template.objects.get(), one)
    assert told(cast) == [7200], "the same again changes nothing"
    assert apply(cast, None, one) is None
    assert told(cast) == [7200, 0]
    assert play(cast, cast.mia).timeshift is None


def test_the_default_holds_where_no_rule_says_anything(cast: Cast, settings: Any):
    one = publish(cast)
    assert apply(cast, None, one) is None
    settings.LIVEROOM = replace(settings.LIVEROOM, timeshift_hours=0.5)
    row = apply(cast, None, one)
    assert row is not None
    assert (row.seconds, row.template_name) == (1800, "")
    Rule.objects.create(app=cast.app, kind=TIMESHIFT, template=None, created_at=NOW, updated_at=NOW)
    assert apply(cast, None, one) is None, "a rule that says that nothing is done"


def test_viewers_are_kept_behind_and_get_no_other_address(cast: Cast):
    apply(cast, template(cast, delay_seconds=30), publish(cast))
    hers = play(cast, cast.mia)
    assert (hers.flv, hers.ll_hls, hers.rtmp, hers.ladder) == ("", "", "", None)
    assert hers.hls.endswith("&delay=30")
    assert "/dvr/index.m3u8?" in hers.hls
    owner = play(cast, cast.stella)
    assert owner.flv
    assert owner.rtmp
    assert owner.as_dict()["timeshift"]["delay"] == 0
    guests = addresses.play_addresses(room=cast.room, actor=None, now=NOW, http=HTTP)
    assert guests is not None
    assert guests.flv == ""
    policy = selectors.watch_policy(stream=cast.stream.name)
    assert policy is not None
    assert url_signing.vid_of(cast.stella.identifier) in policy.undelayed
    assert url_signing.vid_of(cast.mia.identifier) not in policy.undelayed


def test_a_show_takes_its_window_with_it_and_the_next_one_begins_anew(cast: Cast):
    one, of = publish(cast), template(cast)
    apply(cast, of, one)
    later = NOW + timedelta(hours=1)
    services.show_is_over(room_id=cast.room.pk, now=later)
    row = TimeShift.objects.get()
    assert row.over_at == later
    assert play(cast, cast.mia, at=later).timeshift is not None, "who is behind sees its end"
    assert play(cast, cast.mia, at=later + timedelta(minutes=5)).timeshift is None
    again = apply(cast, of, one, at=later + timedelta(minutes=10))
    assert again is not None
    assert (again.since, again.over_at) == (later + timedelta(minutes=10), None)


def test_the_end_of_a_show_reaches_its_window(cast: Cast):
    apply(cast, template(cast), publish(cast))
    publisher_came(room_id=cast.room.pk, now=NOW)
    assert TimeShift.objects.get().over_at is None
    set_status(room=cast.room, status=Status.ENDED, by=cast.actor(cast.stella), now=NOW + timedelta(hours=1))
    assert TimeShift.objects.get().over_at == NOW + timedelta(hours=1)


def test_one_gateway_writes_and_another_takes_over(cast: Cast):
    apply(cast, template(cast), publish(cast))
    name = cast.stream.name

    def mine(process: str, *, after: float, live: tuple[str, ...] = (name,)) -> bool:
        (found,) = services.take_windows(process=process, live=live, now=NOW + timedelta(seconds=after))
        return found.mine

    assert not mine("one", after=0, live=())
    assert mine("one", after=0)
    assert not mine("two", after=4)
    assert mine("one", after=5)
    assert not mine("two", after=10)
    assert mine("two", after=11.5), "the first one did not come again"
    assert not mine("one", after=12)
    services.give_windows_back(process="two", now=NOW + timedelta(seconds=13))
    assert mine("one", after=13)

    ms = int(NOW.timestamp() * 1000)
    services.note_held(process="two", held={name: Held(ms, ms, 1)})
    assert TimeShift.objects.get().size_bytes == 0, "only who writes it tells of it"
    services.note_held(process="one", held={name: Held(ms - 60_000, ms, 1000, "The disk is nearly full.")})
    state = state_of(cast.stream, now=NOW + timedelta(seconds=14))
    assert (state["state"], state["size_bytes"], state["short"]) == ("running", 1000, "The disk is nearly full.")
    assert state["from"] == NOW - timedelta(seconds=60)


def test_a_room_that_is_closed_has_no_window_any_more(cast: Cast):
    apply(cast, template(cast), publish(cast))
    services.forget_room(room_id=cast.room.pk)
    assert services.take_windows(process="one", live=[cast.stream.name], now=NOW) == []
