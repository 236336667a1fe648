"""What brings pictures where: relays, mixes and marked copies say it here, and THE question whether one more of them would close a circle
is asked here.

A feature declares `@brings` above a function; its module is imported when Django is ready (`streams/jobs/register.py`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from streams.models.streams import Stream
from streams.rules import circles


class Flow(NamedTuple):
    """From one place to another: names of streams, or outside addresses. `by`: whose flow it is, such as relay:17."""

    source: str
    target: str
    by: str


Bringer = Callable[[], Iterable[Flow]]
B = TypeVar("B", bound=Bringer)
_bringers: list[Bringer] = []


def brings(bringer: B) -> B:
    """Declares the function below. It asks the database for what is at work now."""
    _bringers.append(bringer)
    return bringer


@brings
def brought_by_stand_ins() -> Iterator[Flow]:
    """Marked copies show what they are copies of."""
    rows = Stream.objects.filter(stands_in_for__isnull=False).values_list("pk", "stands_in_for__name", "name")
    return (Flow(original, copy, by=f"copy:{pk}") for pk, original, copy in rows)


def flows(*, without: str = "") -> Mapping[str, Collection[str]]:
    """All that is at work: place -> places. `without`: whose flows do not count, because they are about to be others."""
    found: dict[str, set[str]] = defaultdict(set)
    for bringer in _bringers:
        for flow in bringer():
            if not without or flow.by != without:
                found[flow.source].add(flow.target)
    return found


def circle(*, sources: Collection[str], target: str, without: str = "") -> list[str]:
    """The circle that bringing `sources` into `target` would close (source, target, …, source), or nothing."""
    return circles.circle(sources=sources, target=target, flows=flows(without=without))


def reached(*, start: str, without: str = "") -> set[str]:
    """Where that is shown already, itself among it."""
    return circles.reached(start=start, flows=flows(without=without))


def shown_way(way: Iterable[str]) -> str:
    """For people: names of streams, and the hosts of outside places, whose paths may hold keys."""
    return " → ".join(node.partition("/")[0] if ":" in node else node for node in way)[:200]
