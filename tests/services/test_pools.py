"""Threads with a queue that has an end (liveroom/kernel/work/pools.py)."""

from __future__ import annotations

import asyncio
import threading

import pytest

from liveroom.kernel.work.pools import Busy, Pool


async def test_a_full_pool_says_so_at_once_and_serves_again_afterwards():
    pool, go = Pool(name="test", threads=1, waiting=2), threading.Event()
    held = [asyncio.ensure_future(pool.run(go.wait, 5)) for _ in range(3)]
    await asyncio.sleep(0)
    for _ in range(1_000):
        with pytest.raises(Busy) as refused:
            await pool.run(lambda: None)
    assert (refused.value.code, refused.value.name, refused.value.status) == (10002, "busy", 503)
    assert refused.value.extra == {"retry_after_ms": 1_000}
    go.set()
    assert await asyncio.gather(*held) == [True] * 3
    assert await pool.run(lambda number: number + 1, 41) == 42


async def test_what_fails_gives_its_place_back():
    pool = Pool(name="test", threads=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await pool.run(lambda: 1 // 0)
