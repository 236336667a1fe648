"""Which marked copies are needed, and what one is like. Pure.

Promise: targets that need the same picture share a copy; a copy goes on for whom it is made now, so that a change is no break."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

VIEWERS: Final = "viewers"
# What a compositor draws at most (streams/media/compositor/scene.py), whichever way round.
_LONG, _SHORT, _LEAST_WIDTH, _LEAST_HEIGHT = 1920, 1080, 160, 90
_SLOWEST, _FASTEST = 5, 60
_KBPS = (300, 8000)
# Bits for each pixel: with x264's fast presets a copy of a good picture is not told from it.
_BITS_PER_PIXEL = 0.11
# Of a core, for each megapixel of a second: decoding, drawing, encoding.
_CORES_PER_MEGAPIXEL, _LEAST_CORES = 0.025, 0.15


@dataclass(frozen=True, slots=True)
class Want:
    """What one target needs. `watermarks`: those that are drawn; `number`: the reference of its invisible mark, "" is none."""

    target: str
    watermarks: tuple[int, ...]
    number: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """One copy that is needed, for all these targets. `required`: those of them that take nothing else."""

    targets: tuple[str, ...]
    watermarks: tuple[int, ...]
    number: str
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class There:
    """A copy that there is. Without targets it rests."""

    pk: int
    targets: frozenset[str]
    watermarks: tuple[int, ...]
    number: str


def grouped(wants: Iterable[Want]) -> list[Group]:
    """By picture; viewers first."""
    found: dict[tuple[tuple[int, ...], str], list[Want]] = defaultdict(list)
    for want in wants:
        found[(want.watermarks, want.number)].append(want)
    groups = [
        Group(
            tuple(want.target for want in those), watermarks, number,
            tuple(want.target for want in those if want.required),
        )
        for (watermarks, number), those in found.items()
    ]  # fmt: skip
    return sorted(groups, key=lambda group: (VIEWERS not in group.targets, group.targets))


def matched(groups: Sequence[Group], there: Iterable[There]) -> list[tuple[Group, int | None]]:
    """For each group the copy that becomes it; None: a new one. Viewers keep theirs; then whoever has the same picture, then whoever has
    a target in common, then one that rests."""
    free = {one.pk: one for one in there}
    found: dict[int, int] = {}
    tests = (
        lambda group, one: VIEWERS in group.targets and VIEWERS in one.targets,
        lambda group, one: bool(one.targets) and (group.watermarks, group.number) == (one.watermarks, one.number),
        lambda group, one: bool(one.targets & set(group.targets)),
        lambda group, one: not one.targets,
    )
    for test in tests:
        for index, group in enumerate(groups):
            if index in found:
                continue
            pk = next((pk for pk, one in sorted(free.items()) if test(group, one)), None)
            if pk is not None:
                found[index] = pk
                del free[pk]
    return [(group, found.get(index)) for index, group in enumerate(groups)]


@dataclass(frozen=True, slots=True)
class Canvas:
    width: int
    height: int
    fps: int

    @property
    def _megapixels(self) -> float:
        return self.width * self.height * self.fps / 1_000_000

    @property
    def kbps(self) -> int:
        low, high = _KBPS
        return int(min(high, max(low, self._megapixels * 1000 * _BITS_PER_PIXEL)))

    @property
    def cores(self) -> float:
        return round(max(_LEAST_CORES, self._megapixels * _CORES_PER_MEGAPIXEL), 2)


def canvas(*, width: int, height: int, fps: float) -> Canvas:
    """Of a copy of such a picture: as large as it is, within what a compositor draws; the sides are even."""
    scale = min(1.0, _LONG / max(width, height), _SHORT / min(width, height))
    scale = max(scale, _LEAST_WIDTH / width, _LEAST_HEIGHT / height)
    sides = [min(_LONG, max(2, round(side * scale / 2) * 2)) for side in (width, height)]
    return Canvas(
        width=max(_LEAST_WIDTH, sides[0]),
        height=max(_LEAST_HEIGHT, sides[1]),
        fps=min(_FASTEST, max(_SLOWEST, round(fps) or 25)),
    )
