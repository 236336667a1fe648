"""The console as a room's admin has it: the room and its people, without its keys and its money."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from interactions.models import Draw, Poll
from liveroom.accounts.models import Login
from liveroom.kernel import clock
from liveroom.rooms.models import LiveSession, Room, RoomAdmin
from liveroom.rooms.services.people import dismiss_admin
from liveroom.rooms.services.rooms import create_room
from liveroom.rooms.services.status import set_status
from moderation.models import Ban, Mute, MuteAll
from streams.models import PushRefusal
from tests.helpers.console import act, logged_in, page
from tests.helpers.people import STAFF, Cast


@pytest.fixture
def max_(cast: Cast) -> Client:
    login = Login.objects.create_user("max", password="max", person=cast.max, is_staff=True)
    return logged_in(login)


def test_a_moderator_finds_the_room_it_was_appointed_in(max_: Client, cast: Cast) -> None:
    other = create_room(app=cast.app, owner=cast.stella, by=STAFF, now=clock.now(), group_id="r2", title="Not for max")
    for url in (reverse("admin:index"), reverse("admin:rooms_room_changelist")):
        text = max_.get(url).content.decode()
        assert "Stella&#x27;s room" in text
        assert "Not for max" not in text
    assert "You moderate" in max_.get(reverse("admin:index")).content.decode()
    assert max_.get(page(cast.room)).status_code == 200
    for url in (page(other), act(other, "mute"), reverse("admin:rooms_room_live", args=(other.pk,))):
        assert max_.get(url).status_code == 404


def test_a_moderator_sees_neither_keys_nor_money(max_: Client, cast: Cast) -> None:
    now = clock.now()
    PushRefusal.objects.create(
        stream=cast.stream,
        first_at=now,
        at=now,
        code=501,
        reason="expired",
        text="The key expired.",
        address="192.0.2.7",
    )
    set_status(room=cast.room, status="live", by=STAFF, now=now)
    answer = max_.get(page(cast.room))
    text = answer.content.decode()
    assert "obs" not in answer.context["panel"]
    assert "Stella (stella)" in text
    assert "/admin/accounts/" not in text
    for secret in (
        cast.stream.name,
        "txSecret",
        "192.0.2.7",
        "The key expired",
        "obs-key",
        "Reset key",
        "ffmpeg -re",
        "ffmpeg-command",
        "Disband",
    ):
        assert secret not in text, secret
    live = max_.get(reverse("admin:rooms_room_live", args=(cast.room.pk,))).json()
    assert (live["refusals"], live["tried_from_here"], live["next"]) == ([], [], [])
    assert live["status"] == "live"
    # What a show earned is the streamer's.
    session = LiveSession.objects.get(room=cast.room)
    for url in (
        reverse("admin:rooms_livesession_change", args=(session.pk,)),
        reverse("admin:rooms_livesession_statistics_csv", args=(session.pk,)),
    ):
        assert max_.get(url).status_code == 404
    assert max_.get(reverse("admin:interactions_order_changelist")).status_code == 403


@pytest.mark.parametrize("name", ["status-ended", "disband", "reset-key", "appoint", "dismiss"])
def test_what_only_the_streamer_may_do_is_refused_to_a_moderator(max_: Client, cast: Cast, name: str) -> None:
    set_status(room=cast.room, status="live", by=STAFF, now=clock.now())
    floor = cast.stream.key_floor
    answer = max_.post(act(cast.room, name), {"user": "zed"})
    assert answer.status_code == 403
    room = Room.objects.get(pk=cast.room.pk)
    assert (room.status, room.disbanded_at) == ("live", None)
    assert set(RoomAdmin.objects.values_list("person__identifier", flat=True)) == {"max"}
    assert cast.stream.key_floor == floor
    assert max_.post(page(cast.room), {"title": "mine now"}).status_code == 403
    assert Room.objects.get(pk=cast.room.pk).title == "Stella's room"


def test_a_moderator_does_there_what_it_may_do(max_: Client, cast: Cast) -> None:
    text = max_.get(page(cast.room)).content.decode()
    for button in (
        "Mute a user",
        "Ban a user",
        "Mute everyone",
        "Open a draw",
        "Open a poll",
        "Pin a message",
        "Change the notice",
    ):
        assert button in text, button
    for name, said in (
        ("mute", {"user": "zed", "minutes": 5, "reason": "spam"}),
        ("ban", {"user": "mia", "minutes": 5, "reason": "spam"}),
        ("mute-all", {}),
        ("pin", {"text": "Be kind"}),
        ("notice", {"notice": "Back at nine"}),
        ("open-poll", {"question": "Next?", "answers": "Jazz\nRock", "max_choices": 1}),
        ("open-draw", {"keyword": "666", "prize": "A mug", "winners": 1, "seconds": 60}),
    ):
        assert max_.post(act(cast.room, name), said).status_code == 302, name
    assert Room.objects.get(pk=cast.room.pk).notice == "Back at nine"
    assert max_.post(act(cast.room, "notice"), {"notice": "x" * 301}).status_code == 400
    assert Mute.objects.get().person == cast.zed
    assert Ban.objects.get().person == cast.mia
    assert MuteAll.objects.get().by == "max"
    assert (Poll.objects.count(), Draw.objects.count()) == (1, 1)
    # Nobody is moderated who stands above.
    assert "stella" not in {mute.person.identifier for mute in Mute.objects.all()}
    assert max_.post(act(cast.room, "mute"), {"user": "stella", "reason": ""}).status_code != 302


def test_who_was_dismissed_sees_the_room_no_more(max_: Client, cast: Cast) -> None:
    assert max_.get(page(cast.room)).status_code == 200
    dismiss_admin(room=cast.room, identifier="max", by=STAFF, now=clock.now())
    assert max_.get(page(cast.room)).status_code == 404
    assert max_.post(act(cast.room, "mute-all")).status_code == 404
    assert "Stella" not in max_.get(reverse("admin:index")).content.decode()


def test_a_streamer_moderates_elsewhere_and_keeps_both_apart(cast: Cast) -> None:
    create_room(app=cast.app, owner=cast.max, by=STAFF, now=clock.now(), group_id="maxs", title="Max's own")
    max_ = logged_in(Login.objects.create_user("max", password="max", person=cast.max, is_staff=True))
    own = Room.objects.get(group_id="maxs")
    assert max_.get(page(own)).context["panel"]["obs"] is not None
    assert "obs" not in max_.get(page(cast.room)).context["panel"]
    overview = max_.get(reverse("admin:index")).context["overview"]
    assert [item["room"].group_id for item in overview["rooms"]] == ["maxs"]
    assert [item["room"].group_id for item in overview["moderated"]] == ["r1"]
