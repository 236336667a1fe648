"""One room at a time (P6): on the web over all windows, elsewhere as the app says; nobody else is disturbed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed

from liveroom.kernel import clock
from liveroom.rooms.services import rooms
from tests.helpers.people import STAFF
from tests.helpers.sockets import HungUp, Phone, SocketProcess, calling
from tests.helpers.stack import until
from tests.sockets.conftest import TICK


@pytest.fixture(scope="module")
def elsewhere(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[SocketProcess]:
    with django_db_blocker.unblock():
        process = SocketProcess(data=tmp_path_factory.mktemp("elsewhere") / "data", name="socket-2", **TICK)
    yield process
    process.stop()
    assert "Traceback" not in process.text()


@pytest.fixture
def cast(cast):
    for group_id in ("r2", "r3"):
        rooms.create_room(
            app=cast.app, owner=cast.zed, by=STAFF, now=clock.now(), group_id=group_id, title=group_id.upper()
        )
    return cast


@pytest.fixture
def inside(cast, sockets):
    """`with inside("r1", cast.mia, platform="ios") as phone`; `of`: another socket process."""

    @contextmanager
    def inside(room: str, person, *, platform: str = "", of: SocketProcess = sockets, **join) -> Iterator[Phone]:
        query = f"platform={platform}" if platform else ""
        sig = cast.usersig(person) if person else None
        with calling(of.url, usersig=sig, query=f"sdkappid={cast.app.sdkappid}&{query}") as phone:
            answer = phone.joins(room, **join)
            assert answer["ok"], answer
            yield phone

    return inside


def stays(*phones: Phone) -> None:
    """A word that would close it has had time to come."""
    time.sleep(0.15)
    for phone in phones:
        assert phone.asks("ping")["ok"]
        assert phone.farewell is None


def has_to_go(phone: Phone) -> None:
    assert phone.is_hung_up() == 4108
    assert phone.farewell == {
        "type": "bye", "reason": "entered_another_room", "reconnect": False, "after_ms": 0,
        "message": "You entered another room.",
    }  # fmt: skip


@pytest.mark.parametrize("far", [False, True], ids=["one process", "two processes"])
def test_who_enters_another_room_in_another_window_leaves_the_first(cast, inside, sockets, elsewhere, far):
    there = elsewhere if far else sockets
    with inside("r1", cast.mia) as first, inside("r1", cast.mia) as twin, inside("r1", cast.zed) as zed:
        stays(first, twin)  # one room, two windows
        with inside("r2", cast.mia, of=there) as second:
            has_to_go(first)
            has_to_go(twin)
            assert second.says("here I am")["ok"]
            with inside("r1", cast.mia, of=there) as again:
                has_to_go(second)
                assert again.says("back")["ok"]
                assert zed.hears("comment", text="back")
            stays(zed)


@pytest.mark.parametrize("far", [False, True], ids=["one process", "two processes"])
def test_another_kind_of_client_may_be_elsewhere(cast, inside, sockets, elsewhere, far):
    there = elsewhere if far else sockets
    with (
        inside("r1", cast.mia) as web,
        inside("r2", cast.mia, platform="ios", of=there) as ios,
        inside("r3", cast.mia, platform="ios") as other_ios,
    ):
        stays(web, ios, other_ios)
        with inside("r2", cast.mia, platform="toaster"):  # counts as the web
            has_to_go(web)
            stays(ios, other_ios)


@pytest.mark.parametrize("far", [False, True], ids=["one process", "two processes"])
def test_an_app_may_allow_one_room_over_all_clients(cast, inside, sockets, elsewhere, far):
    there = elsewhere if far else sockets
    cast.app.several_rooms = False
    cast.app.save()
    with inside("r1", cast.mia) as web, inside("r1", cast.mia, platform="ios", of=there) as ios:
        stays(web, ios)
        with inside("r2", cast.mia, platform="android", of=there) as android:
            has_to_go(web)
            has_to_go(ios)
            stays(android)


def test_an_overlay_disturbs_nobody_is_not_disturbed_and_does_not_count(cast, inside):
    with inside("r1", cast.mia) as window, inside("r1", cast.zed) as zed:
        zed.hears("online", online=2, sockets=2)
        with inside("r2", cast.mia, overlay=True) as overlay, inside("r1", cast.stella, overlay=True) as obs:
            stays(window, overlay)
            with inside("r3", cast.mia):
                has_to_go(window)
                stays(overlay)
            zed.hears("online", online=1, sockets=1)
            zed.says("for the overlay")
            assert obs.hears("comment", text="for the overlay")
            assert not any(event["type"] == "online" and event["sockets"] > 2 for event in zed.heard)
            came = [user["id"] for event in zed.heard if event["type"] == "join" for user in event["users"]]
            assert "stella" not in came


def test_guests_and_strangers_do_not_know_of_each_other(cast, inside):
    with (
        inside("r1", None) as guest,
        inside("r2", None) as other,
        inside("r1", cast.zed) as zed,
        inside("r2", cast.mia) as mia,
    ):
        stays(guest, other, zed, mia)


def test_a_socket_that_goes_from_room_to_room_is_not_closed_by_its_own_steps(cast, inside):
    """As fast as it can, while somebody speaks in each of them."""
    with inside("r1", cast.mia) as mia, inside("r1", cast.zed) as zed:
        ways = [("r1", "r2", "r3")[number % 3] for number in range(1, 31)]
        for number, room in enumerate(ways, start=100):
            mia.send(json.dumps({"id": number, "type": "join", "room": room}))
            zed.send(json.dumps({"id": number, "type": "comment", "text": f"{number}"}))
        for number in range(100, 130):
            assert mia.answers(number)["ok"]
        stays(mia)
        assert mia.says("arrived", room=ways[-1])["ok"]


def test_of_two_windows_that_enter_two_rooms_at_once_one_stays(cast, inside, sockets, elsewhere):
    """Whichever was later: never both, never none."""
    sig = cast.usersig(cast.mia)
    for _ in range(8):
        with calling(sockets.url, usersig=sig) as one, calling(elsewhere.url, usersig=sig) as other:
            one.send('{"id": 1, "type": "join", "room": "r1"}')
            other.send('{"id": 1, "type": "join", "room": "r2"}')
            for phone in (one, other):
                with suppress(HungUp):
                    phone.answers(1)
            until(lambda: not (is_in(one) and is_in(other)), what="a window that has to go")
            time.sleep(0.1)  # so has the other, had it to
            left = [phone for phone in (one, other) if not is_in(phone)]
            assert len(left) == 1, [phone.farewell for phone in left]
            has_to_go(left[0])


def is_in(phone: Phone) -> bool:
    try:
        return bool(phone.asks("ping")["ok"])
    except (HungUp, ConnectionClosed):
        return False
