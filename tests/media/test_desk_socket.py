"""A desk's socket at the gateway: what a compositor says arrives, slow desks lose pictures, an address that is over ends it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import redis.asyncio
from aiohttp import ClientSession, ClientWebSocketResponse, web
from django.conf import settings

from streams.director import rules
from streams.gateway.desk import door
from streams.gateway.desk.hearing import MOST_OF_ONE, Desks
from streams.gateway.desk.outbox import Outbox
from streams.gateway.gateway import Gateway
from streams.gateway.handlers import application
from streams.media.compositor import wires
from streams.media.compositor.scene import Scene, written

SECRET = "desk-secret"


class _Settings:
    origins: tuple[str, ...] = ()
    any_origin = True
    name = "gateway-1"


class _NoGateway:
    settings = _Settings()


class Desk:
    """A page at its desk."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket

    async def hears(self, kind: str, **wanted: Any) -> dict[str, Any]:
        async with asyncio.timeout(5):
            while True:
                found: dict[str, Any] = await self.socket.receive_json()
                if found["type"] == kind and all(found.get(name) == value for name, value in wanted.items()):
                    return found


@pytest.fixture
async def client() -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.Redis.from_url(settings.LIVEROOM.redis_url) as found:
        yield found


@pytest.fixture
async def http(client: redis.asyncio.Redis) -> AsyncIterator[str]:
    desks = Desks(connect=lambda: client, secret=SECRET)
    runner = web.AppRunner(application(cast(Gateway, _NoGateway()), desks), shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/live/desk"
    await desks.stop()
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as found:
        yield found


def address(http: str, mix: str, *, label: str = "stella", ago: float = 0) -> str:
    said, _ = rules.query(secret=SECRET, mix=mix, label=label, now_seconds=time.time() - ago)
    return f"{http}/{mix}?{said}"


async def test_a_desk_hears_the_compositor_and_is_told_of_new_scenes(
    http: str, session: ClientSession, client: redis.asyncio.Redis
) -> None:
    mix = "heard"
    await client.set(wires.scene_key(mix), written(Scene(serial=3)), ex=60)
    async with (
        session.ws_connect(address(http, mix)) as one,
        session.ws_connect(address(http, mix, label="max")) as two,
    ):
        stella, max_ = Desk(one), Desk(two)
        for desk in (stella, max_):
            await desk.hears("scene", serial=3)
        assert await client.exists(wires.watched_key(mix))
        told = wires.Told(
            serial=3, frame=7, inputs=(wires.InputTold(id="a", state="lost", why="it ended"),),
            pictures={"programme": "AAAA", "input:a": "BBBB"},
        )  # fmt: skip
        await client.publish(wires.told_channel(mix), b"not for us")
        await client.publish(wires.told_channel(mix), wires.told(told))
        heard = await stella.hears("told", frame=7)
        assert heard["inputs"] == [{"id": "a", "state": "lost", "why": "it ended"}]
        assert "pictures" not in heard
        assert (await max_.hears("pictures"))["pictures"] == {"programme": "AAAA", "input:a": "BBBB"}
        began = time.monotonic()
        await client.publish(wires.do_channel(mix), wires.do(wires.Do(scene=Scene(serial=4))))
        await stella.hears("scene", serial=4)
        await max_.hears("scene", serial=4)
        assert time.monotonic() - began < 1
        # A message that was lost costs a second.
        await client.set(wires.scene_key(mix), written(Scene(serial=5)), ex=60)
        await stella.hears("scene", serial=5)


@pytest.mark.parametrize("wrong", ["", "?who=1&until=2&sig=3", "?who=0011223344556677&until=99999999999&sig=00"])
async def test_whoever_has_no_good_address_is_refused(http: str, session: ClientSession, wrong: str) -> None:
    async with session.get(f"{http}/heard{wrong}") as answer:
        assert (answer.status, (await answer.json())["name"]) == (403, "desk_refused")


async def test_an_address_is_good_for_one_mix_and_ends_the_desk_when_it_is_over(
    http: str, session: ClientSession
) -> None:
    other = address(http, "one").replace("/one?", "/another?")
    for refused in (other, address(http, "one", ago=rules.LIVES_SECONDS + 1)):
        async with session.get(refused) as answer:
            assert answer.status == 403
    async with session.get(address(http, "one")) as answer:
        assert answer.status == 426
    async with session.ws_connect(address(http, "one", ago=rules.LIVES_SECONDS - 1.5)) as socket:
        while not (await socket.receive()).type.name.startswith("CLOS"):
            pass
        assert socket.close_code == door.OVER


async def test_one_person_has_a_few_desks_at_most(http: str, session: ClientSession) -> None:
    opened = [await session.ws_connect(address(http, "few")) for _ in range(MOST_OF_ONE)]
    async with session.get(address(http, "few"), headers={"Upgrade": "websocket", "Connection": "upgrade"}) as answer:
        assert (answer.status, (await answer.json())["name"]) == (503, "desk_limit")
    for socket in opened:
        await socket.close()


async def test_a_slow_desk_loses_pictures_and_no_words() -> None:
    outbox = Outbox()
    for number in range(50):
        outbox.show({"programme": f"picture {number}"})
        outbox.say("told", b"told %d" % number)
        outbox.say("scene", b"scene %d" % number)
    assert [await outbox.next(), await outbox.next()] == [b"told 49", b"scene 49"]
    assert b"picture 49" in (await outbox.next() or b"")
    outbox.show({"programme": "second"})
    assert b"second" in (await outbox.next() or b"")
    outbox.show({"programme": "third"})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(outbox.next(), 0.05)
    outbox.say("told", b"told at once")
    assert await outbox.next() == b"told at once"
    outbox.show({"programme": "fourth"})
    outbox.taken()
    frame = json.loads(await outbox.next() or b"")
    assert frame == {"type": "pictures", "pictures": {"programme": "fourth"}}
    outbox.end()
    assert await outbox.next() is None
