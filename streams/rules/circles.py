"""Whether a picture would come back to where it came from, by whatever brings pictures from one place to another. Pure.

A place is the name of a stream here, or an outside address."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping


def circle(*, sources: Collection[str], target: str, flows: Mapping[str, Collection[str]]) -> list[str]:
    """The whole circle that bringing `sources` into `target` would close: source, target, … back to that source. Nothing: none.

    `flows`: what is brought where already, place -> places."""
    if target in sources:
        return [target, target]
    came_from: dict[str, str] = {target: ""}
    waiting = deque([target])
    while waiting:
        here = waiting.popleft()
        for there in flows.get(here, ()):
            if there in came_from:
                continue
            came_from[there] = here
            if there in sources:
                way = [there]
                while came_from[way[-1]]:
                    way.append(came_from[way[-1]])
                return [there, *reversed(way)]
            waiting.append(there)
    return []


def reached(*, start: str, flows: Mapping[str, Collection[str]]) -> set[str]:
    """All places that show what is at `start`, itself among them."""
    found, waiting = {start}, deque([start])
    while waiting:
        for there in flows.get(waiting.popleft(), ()):
            if there not in found:
                found.add(there)
                waiting.append(there)
    return found
