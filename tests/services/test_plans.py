"""Plans are applied: when a publish begins, and to what is on air when they change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from liveroom.accounts.models import Domain
from liveroom.kernel import clock
from liveroom.rooms.services.rooms import create_room
from streams.models import PlanRound, Publish, Stream
from streams.plans import applying, rounds, selectors, services
from streams.services.publishing import admit_publisher
from tests.helpers.people import STAFF, Cast
from tests.helpers.plans import make_template
from tests.helpers.pushing import push_hook

pytestmark = pytest.mark.django_db


class Told:
    """An applier that remembers, and breaks when asked to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str | None]] = []
        self.broken = False

    def __call__(self, *, stream: Any, template: Any, publish: Any, now: Any) -> None:
        if self.broken:
            raise RuntimeError("no disk")
        self.calls.append((stream.name, None if template is None else template.name))

    def heard(self) -> list[tuple[str, str | None]]:
        found, self.calls = self.calls, []
        return found


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(applying, "_appliers", {})
    function = Told()
    applying.applies("record")(function)
    return function


def follow(*, after: timedelta = timedelta(0)) -> None:
    while rounds.follow_due(clock.now() + after) is not None:
        pass


def published(stream: Stream, *, client_id: str = "7") -> None:
    now = clock.now()
    admit_publisher(hook=push_hook(stream, now=now, client_id=client_id), now=now)


def bind(cast: Cast, template: Any, **scope: Any) -> Any:
    return services.bind(app=cast.app, kind="record", template=template, by=STAFF, now=clock.now(), **scope)


def test_a_publish_begins_with_what_its_rules_want(cast, told):
    bind(cast, make_template(cast, name="wide"))
    published(cast.stream)
    assert told.heard() == [(cast.stream.name, "wide")]


def test_a_publish_that_no_rule_concerns_is_told_too(cast, told):
    """What a rule of yesterday started is to end."""
    make_template(cast)
    published(cast.stream)
    assert told.heard() == [(cast.stream.name, None)]


def test_the_domain_is_the_one_whose_key_signed(cast, told):
    first = cast.app.domains.get(kind=Domain.PUSH)
    other = cast.app.domains.create(kind=Domain.PUSH, name="push.example.com")
    bind(cast, make_template(cast, name="other"), domain=other)
    published(cast.stream)
    assert told.heard() == [(cast.stream.name, None)]
    bind(cast, make_template(cast, name="first"), domain=first)
    follow()
    assert set(told.heard()) == {(cast.stream.name, "first")}


def test_a_change_reaches_what_is_on_air_and_nothing_else(cast, told):
    create_room(app=cast.app, owner=cast.zed, by=STAFF, now=clock.now(), group_id="zeds", title="Zed's")
    published(cast.stream)
    told.heard()
    template = make_template(cast, name="own", own=True)
    follow()
    assert told.heard() == [(cast.stream.name, "own")]
    services.change_template(template=template, said={"mp4": {"interval_seconds": 60}}, by=STAFF, now=clock.now())
    follow()
    assert told.heard() == [(cast.stream.name, "own")]
    services.change_template(template=template, name="renamed", by=STAFF, now=clock.now())
    follow()
    assert told.heard() == []
    services.delete_template(template=template, by=STAFF, now=clock.now())
    follow()
    assert told.heard() == [(cast.stream.name, None)]
    Publish.objects.update(ended_at=clock.now())
    bind(cast, None)
    follow()
    assert told.heard() == []


def test_a_change_is_looked_at_again_for_who_was_just_being_let_in(cast, told):
    bind(cast, make_template(cast, name="wide"))
    follow()
    assert PlanRound.objects.count() == 1
    Publish.objects.create(stream=cast.stream, client_id="1", started_at=clock.now())
    follow(after=rounds.LET_IN + timedelta(seconds=1))
    assert told.heard() == [(cast.stream.name, "wide")]
    assert not PlanRound.objects.exists()


def test_who_cannot_apply_a_plan_stops_no_publish_and_is_asked_again_a_few_times(cast, told):
    bind(cast, make_template(cast, name="wide"))
    PlanRound.objects.all().delete()
    told.broken = True
    published(cast.stream)
    assert Publish.objects.filter(stream=cast.stream, ended_at=None).exists()
    for tries in range(1, len(rounds.AGAIN_SECONDS) + 1):
        assert PlanRound.objects.get().attempts == tries
        rounds.follow_due(clock.now() + timedelta(hours=1))
    assert not PlanRound.objects.exists()


def test_it_is_asked_again_until_it_can(cast, told):
    bind(cast, make_template(cast, name="wide"))
    PlanRound.objects.all().delete()
    told.broken = True
    published(cast.stream)
    assert PlanRound.objects.get().attempts == 1
    told.broken = False
    follow()
    assert not told.heard()
    follow(after=timedelta(seconds=2))
    assert told.heard() == [(cast.stream.name, "wide")]
    assert not PlanRound.objects.exists()


def test_a_round_over_many_streams_looks_at_each_once(cast, told, monkeypatch):
    monkeypatch.setattr(rounds, "AT_ONCE", 3)
    for n in range(7):
        stream = Stream.objects.create(room=cast.room, name=f"many_{n}")
        Publish.objects.create(stream=stream, client_id=str(n), started_at=clock.now())
    bind(cast, make_template(cast, name="wide"))
    follow()
    assert told.heard() == [(f"many_{n}", "wide") for n in range(7)]


@pytest.mark.parametrize(("kinds", "queries"), [(("record", "snapshot"), 1), (("record", "snapshot", "transcode"), 2)])
def test_one_query_finds_what_holds_of_every_kind(cast, django_assert_num_queries, kinds, queries):
    """And one more, where something is made for viewers: whether they see this picture, or a marked copy of it."""
    for kind in kinds:
        template = make_template(cast, kind)
        services.bind(app=cast.app, kind=kind, template=template, by=STAFF, now=clock.now())
    stream = cast.stream
    with django_assert_num_queries(queries):
        found = selectors.plans_of(stream=stream)
    assert {kind for kind, template in found.items() if template} == set(kinds)
    assert selectors.plan_for(stream=stream, kind="timeshift") is None
