"""What a gateway sent is told once, and again where it could not be told."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from streams.gateway.sent import Sent
from streams.traffic.rules import Counted


def test_what_could_not_be_told_is_told_with_what_comes():
    told: list[list[Counted]] = []
    away = True

    async def tell(counted: Any) -> None:
        if away:
            raise ConnectionError("Redis is away")
        told.append(list(counted))

    sent = Sent(tell=tell)
    feed: Any = SimpleNamespace(name="s", sent_bytes=100, joined=1)
    with pytest.raises(ConnectionError):
        asyncio.run(sent.tell([feed]))
    feed.sent_bytes = 7
    sent.playlist(stream="s", size=5)
    away = False
    asyncio.run(sent.tell([feed]))
    asyncio.run(sent.tell([feed]))
    assert told == [[Counted("s", "flv", 107, 1), Counted("s", "hls", 5, 1)]]
