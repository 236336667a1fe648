"""How many are in a room, also when a process or Redis goes away under them."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack

import pytest
import redis

from interactions.audience.services import recount_online
from interactions.delivery.events import encoded
from interactions.delivery.presence.heartbeat import BEAT_SECONDS, EXPIRY_SECONDS
from interactions.delivery.rooms import submitting
from interactions.delivery.rooms.submitting import publish_now
from interactions.room.events import SystemMessage
from interactions.room_refs import ref
from liveroom.kernel import clock
from liveroom.rooms.models import Room
from tests.helpers.sockets import HungUp, SocketProcess, calling, free_port, tell


def online(cast) -> int:
    return int(cast.api(None).get("rooms/r1/online", {"sdkappid": cast.app.sdkappid}).json()["online"])


def until_online(cast, number: int, *, seconds: float) -> float:
    """How long it took."""
    began = time.monotonic()
    while online(cast) != number:
        assert time.monotonic() - began < seconds, f"{online(cast)} instead of {number}"
        time.sleep(0.05)
    return time.monotonic() - began


def test_the_count_goes_up_and_down_and_is_told(cast, watching):
    with watching(cast.mia) as phone:
        phone.hears("online", online=1, sockets=1)
        with ExitStack() as more:
            for person in (cast.zed, None, cast.mia):
                more.enter_context(watching(person))
            assert phone.hears("online", online=3, sockets=4)["t"] > 0
            assert online(cast) == 3
            tell()
            assert Room.objects.get(pk=cast.room.pk).online == 3
            came = [user for event in phone.heard if event["type"] == "join" for user in event["users"]]
            assert [user["id"] for user in came if user["id"] != "mia"] == ["zed"]
            assert [one["id"] for one in cast.api(cast.mia).get("rooms/r1/members").json()["results"]] == ["zed", "mia"]
        phone.hears("online", online=1, sockets=1)
    until_online(cast, 0, seconds=5)
    tell()
    assert Room.objects.get(pk=cast.room.pk).online == 0


def test_a_number_that_nobody_will_correct_is_corrected(cast):
    """The only process with viewers of the room was killed: its number runs out, and no other tells the list."""
    Room.objects.filter(pk=cast.room.pk).update(online=7)
    assert recount_online() == 1
    assert Room.objects.get(pk=cast.room.pk).online == 0
    assert recount_online() == 0


def test_a_number_has_no_seq(cast, watching):
    with watching(cast.mia) as phone:
        assert "seq" not in phone.hears("online")


def test_two_processes_count_together_and_a_clean_end_is_counted_at_once(cast, watching, tmp_path):
    other = SocketProcess(data=tmp_path / "data", name="socket-2")
    try:
        with watching(cast.mia) as phone, calling(other.url, usersig=cast.usersig(cast.zed)) as zed:
            zed.joins("r1")
            phone.hears("online", online=2)
            assert zed.says("from the other process")["ok"]
            assert phone.hears("comment")["from"]["id"] == "zed"
            other.stop()
            assert zed.is_hung_up() == 4000
            assert zed.farewell["reconnect"] is True
            phone.hears("online", online=1)
    finally:
        other.kill()


# A word of it that runs out six times as soon as shipped.
HASTY = """
import django
django.setup()
from interactions.delivery.presence import Presence
for name in ("expiry_seconds", "beat_seconds"):
    Presence.__init__.__kwdefaults__[name] /= 6
"""


@pytest.mark.fault
def test_a_killed_process_stops_being_counted(cast, watching, tmp_path):
    assert EXPIRY_SECONDS + BEAT_SECONDS <= 35  # O1
    other = SocketProcess(data=tmp_path / "data", name="socket-2", first=HASTY)
    with calling(other.url, usersig=cast.usersig(cast.zed)) as zed, watching(cast.mia):
        zed.joins("r1")
        until_online(cast, 2, seconds=5)
        time.sleep(BEAT_SECONDS / 6 + 0.5)
        assert online(cast) == 2  # it goes on saying so
        other.kill()
        assert until_online(cast, 1, seconds=35 / 6) > 1


@pytest.mark.fault
def test_redis_goes_and_comes_back_under_the_viewers(cast, tmp_path, own_redis):
    """With its data (append-only file), viewers go on without a gap; they may be told to come back, never left behind."""
    process = SocketProcess(data=tmp_path / "data", name="socket-3", REDIS_URL=own_redis.url)
    room = ref(cast.room)
    try:
        with calling(process.url, usersig=cast.usersig(cast.mia)) as phone:
            phone.joins("r1")
            assert phone.says("before", cid="1")["ok"]
            phone.hears("comment", text="before")
            own_redis.restart()
            refused = phone.says("meanwhile", cid="2")
            assert refused["ok"] or refused["error"]["name"] == "unavailable"
            after = encoded(SystemMessage(t=clock.now_ms(), text="after", reason="notice"))
            own_redis.append(room, after)
            try:
                phone.hears("system", text="after")
            except HungUp:
                assert phone.farewell["reconnect"] is True
            else:
                seqs = [seq for seq, _ in phone.numbered]
                assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        assert "Traceback" not in process.text()
    finally:
        process.stop()


class OwnRedis:
    """A Redis that a test may kill."""

    def __init__(self, folder) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        self.child = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--appendonly", "yes",
             "--appendfsync", "always", "--save", ""],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        client = redis.Redis.from_url(self.url)
        end = time.monotonic() + 10
        while True:
            try:
                client.ping()
                return
            except redis.RedisError:
                assert time.monotonic() < end
                time.sleep(0.05)

    def stop(self) -> None:
        self.child.kill()
        self.child.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def append(self, room, said: bytes) -> None:
        """As the relay would, had it this Redis."""
        client = redis.Redis.from_url(self.url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(submitting, "redis_for", lambda _: client)
            publish_now(room=room, event=said, event_id="after")


@pytest.fixture
def own_redis(tmp_path):
    folder = tmp_path / "redis"
    folder.mkdir()
    server = OwnRedis(folder)
    yield server
    server.stop()
