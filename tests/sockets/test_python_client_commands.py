"""The client for servers: its commands are answered once, or refused, or nobody knows; and what ends it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from interactions.client import CommandRefused, Offline, Refused, room_client
from tests.helpers.python_client import SECONDS, Line, some, speaking


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_client, "BACKOFF_SECONDS", 0.02)


async def test_answers_find_their_commands_whatever_comes_between() -> None:
    async def act(line: Line) -> None:
        await line.lets_in()
        slow, quick = await line.hears(), await line.hears()
        await line.says(id=quick["id"], ok=True, total=5, counted=2)
        await line.tells(11)
        await line.says(id=slow["id"], ok=True, result="delivered", seq=11)
        await line.refuses(code=10017, name="muted", message="Muted.", retry_after_ms=900)
        await line.hears()
        await line.socket.close(1001)

    async with speaking(act) as (client, _):
        with pytest.raises(Offline):
            await client.send("ping")
        await client.connect()
        said, liked = await asyncio.gather(client.send("comment", text="hi"), client.like(2))
        assert (said["seq"], liked["total"], liked["counted"]) == (11, 5, 2)
        with pytest.raises(CommandRefused) as muted:
            await client.send("comment", text="hi")
        assert (muted.value.name, muted.value.code, muted.value.retry_after_ms) == ("muted", 10017, 900)
        with pytest.raises(Offline):
            await client.send("comment", text="cut off")


async def test_a_gift_that_nobody_answered_is_asked_for_again_under_its_own_key() -> None:
    commands: list[dict[str, Any]] = []

    async def first(line: Line) -> None:
        await line.lets_in()
        commands.append(await line.hears())
        await line.socket.close(4000)

    async def second(line: Line) -> None:
        await line.lets_in(recovered=True)
        commands.append(await line.hears())
        await line.says(
            id=commands[-1]["id"], ok=False, error={"code": 10002, "name": "unavailable", "message": "wait"}
        )
        commands.append(await line.answers(order="g1", balance=5))
        await line.stays()

    async with speaking(first, second) as (client, _):
        await client.connect()
        async with asyncio.timeout(SECONDS):
            assert (await client.gift("rose", 3))["order"] == "g1"
    assert [(command["type"], command["gift"], command["count"]) for command in commands] == [("gift", "rose", 3)] * 3
    assert len({command["key"] for command in commands}) == 1


@pytest.mark.parametrize(("code", "reason"), [(4103, "banned"), (4108, "entered_another_room"), (4101, "expired")])
async def test_what_forbids_to_come_back_ends_the_client(code: int, reason: str) -> None:
    async def act(line: Line) -> None:
        await line.lets_in()
        await line.says(type="bye", reason=reason, reconnect=False, after_ms=0, message="Go.")
        await line.socket.close(code)

    async with speaking(act) as (client, lines):
        await client.connect()
        with pytest.raises(Refused, match=r"Go\.") as refused:
            await some(client, 2)
        assert (refused.value.code, refused.value.name) == (code, reason)
        with pytest.raises(Refused):
            await client.send("ping")
        assert len(lines) == 1


async def test_a_refused_join_is_raised_and_a_busy_server_is_asked_again() -> None:
    async def busy(line: Line) -> None:
        await line.refuses(code=10002, name="unavailable", message="Wait.", retry_after_ms=10)
        await line.stays()

    async def closed(line: Line) -> None:
        await line.refuses(code=10007, name="password_needed", message="No.")
        await line.stays()

    async with speaking(busy, closed) as (client, lines):
        with pytest.raises(Refused) as refused:
            await client.connect()
        assert (refused.value.name, len(lines)) == ("password_needed", 2)
