"""What a moderator was answered holds from the answer on, for every command that begins after it: nobody waits for the relay.

In these tests no relay runs: whatever holds was said by whoever did it."""

from __future__ import annotations

from redis import RedisError

from interactions.delivery import Person, control
from interactions.room.events import AccessInDoubt
from liveroom.kernel import clock
from liveroom.kernel.data.redis import shared
from liveroom.rooms.services import people, rooms
from moderation.services import banning, muting
from tests.helpers.people import STAFF
from tests.sockets.test_moderation import asked, refusal


def test_a_mute_holds_from_the_answer_on_and_its_end_too(cast, watching):
    with watching(cast.mia) as mia:
        for n in range(5):
            muting.mute_user(**asked(cast, cast.mia, seconds=60))
            assert refusal(mia.says(f"{n}, muted"))["name"] == "muted"
            muting.unmute_user(**asked(cast, cast.mia))
            assert mia.says(f"{n}, free")["ok"]


def test_everybody_is_muted_from_the_answer_on_and_who_comes_in_too(cast, watching):
    with watching(cast.mia) as mia, watching(cast.max) as max_:
        muting.mute_everyone(**asked(cast))
        assert refusal(mia.says("still?"))["name"] == "muted_all"
        assert max_.says("order!")["ok"]
        with watching(cast.zed) as zed:
            assert zed.snapshot["me"]["muted_all"] is True
        muting.unmute_everyone(**asked(cast))
        assert mia.says("thanks")["ok"]


def test_who_is_banned_goes_and_does_not_come_back_and_who_is_freed_comes_in_at_once(cast, calls, watching):
    """Also while others come in all the time, for whom the room is remembered for a second."""
    with watching(cast.zed), calls(cast.mia) as again:
        for _ in range(5):
            with watching(cast.mia) as mia:
                banning.ban_user(**asked(cast, cast.mia, seconds=None))
                assert mia.is_hung_up() == 4103
            assert refusal(again.joins("r1"))["name"] == "banned"
            banning.lift_ban(**asked(cast, cast.mia))
            assert again.joins("r1")["ok"]
            assert again.says("here I am")["ok"]
            assert again.asks("leave")["ok"]


def test_a_ban_from_the_app_ends_at_once_too(cast, calls, watching):
    said = {"app": cast.app, "identifier": "mia", "by": STAFF, "now": clock.now()}
    with watching(cast.zed):
        for _ in range(3):
            with watching(cast.mia) as mia:
                banning.ban_from_app(**said, seconds=None)
                assert mia.is_hung_up() == 4103
            with calls(cast.mia) as mia:
                assert refusal(mia.joins("r1"))["name"] == "banned"
                banning.lift_ban_from_app(**said)
                assert mia.joins("r1")["ok"]


def test_who_was_dismissed_has_no_rights_from_the_answer_on(cast, watching):
    said = {"room": cast.room, "identifier": "max", "by": STAFF, "now": clock.now()}
    muting.mute_everyone(**asked(cast))
    with watching(cast.max) as max_:
        assert max_.says("an admin", priority="High")["ok"]
        people.dismiss_admin(**said)
        assert refusal(max_.says("and now?"))["name"] == "muted_all"
        people.appoint_admin(**said)
        assert max_.says("again", priority="High")["ok"]


def test_a_password_is_asked_from_the_answer_on(cast, calls, watching):
    with watching(cast.zed), calls(cast.mia) as mia:
        rooms.change_access(room=cast.room, by=STAFF, now=clock.now(), password="sesame")
        assert refusal(mia.joins("r1"))["name"] == "password_needed"
        rooms.change_access(room=cast.room, by=STAFF, now=clock.now(), password="")
        assert mia.joins("r1")["ok"]


def test_a_process_that_does_not_answer_holds_nobody_up_for_long(cast, watching, monkeypatch):
    """It is listened for, and answers nothing."""
    monkeypatch.setattr(control, "ACK_SECONDS", 0.2)
    deaf = shared().pubsub()
    deaf.subscribe(control.people_channel())
    try:
        assert deaf.get_message(timeout=2)["type"] == "subscribe"
        with watching(cast.mia) as mia:
            assert control.published_and_done(AccessInDoubt(), to=Person(sdkappid=0, identifier="")) is False
            muting.mute_user(**asked(cast, cast.mia, seconds=60))
            assert refusal(mia.says("hi"))["name"] == "muted"
    finally:
        deaf.close()


def test_without_redis_a_mute_is_done_and_waits_for_the_relay(cast, monkeypatch):
    def away(*_, **__):
        raise RedisError

    monkeypatch.setattr("interactions.delivery.control.published_and_done", away)
    assert muting.mute_user(**asked(cast, cast.mia, seconds=60)).pk
