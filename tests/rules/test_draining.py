"""Who is told to go when: everybody once, spread over the time, and nobody waits who need not."""

from __future__ import annotations

import asyncio
import random
import time
from itertools import pairwise

from interactions.delivery.fanout.draining import LATEST_MS, SOONEST_MS, drain


class Viewer:
    def __init__(self, crowd: set[Viewer]) -> None:
        self.crowd, self.told = crowd, []
        crowd.add(self)

    def dismiss(self, *, code: int, reason: str, message: str, after_ms: int = 1000) -> None:
        self.told.append((time.monotonic(), code, reason, after_ms))
        self.crowd.discard(self)


def _drained(number: int, *, seconds: float) -> tuple[list[Viewer], float]:
    crowd: set[Viewer] = set()
    everybody = [Viewer(crowd) for _ in range(number)]
    began = time.monotonic()
    asyncio.run(drain(sockets=lambda: list(crowd), seconds=seconds, chance=random.Random(7)))
    return everybody, time.monotonic() - began


def test_everybody_is_told_once_and_no_step_has_more_than_its_share():
    everybody, took = _drained(100, seconds=0.9)
    assert all(len(viewer.told) == 1 for viewer in everybody)
    assert 0.85 < took < 2
    at = sorted(viewer.told[0][0] for viewer in everybody)
    steps = 1 + sum(later - sooner > 0.05 for sooner, later in pairwise(at))
    assert steps == 10
    assert {viewer.told[0][1:3] for viewer in everybody} == {(4000, "restart")}
    waits = [viewer.told[0][3] for viewer in everybody]
    assert min(waits) >= SOONEST_MS
    assert max(waits) <= LATEST_MS
    assert len(set(waits)) > 50


def test_without_time_all_are_told_at_once():
    everybody, took = _drained(100, seconds=0)
    assert all(len(viewer.told) == 1 for viewer in everybody)
    assert took < 0.5


def test_an_empty_house_does_not_wait():
    assert _drained(0, seconds=10)[1] < 0.5
    assert _drained(1, seconds=10)[1] < 0.5


def test_those_who_left_by_themselves_are_not_waited_for():
    crowd: set[Viewer] = set()
    viewers = [Viewer(crowd) for _ in range(50)]

    async def run() -> float:
        began = time.monotonic()
        draining = asyncio.ensure_future(drain(sockets=lambda: list(crowd), seconds=10))
        await asyncio.sleep(0.15)
        crowd.clear()
        await draining
        return time.monotonic() - began

    assert asyncio.run(run()) < 1
    assert all(len(viewer.told) <= 1 for viewer in viewers)
