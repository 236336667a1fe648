"""What an operator says of snapshots and of what is looked for in pictures. The standard library only, as `env.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from liveroom.settings import values

SHORTEST, LONGEST = 0, 3600


@dataclass(frozen=True)
class Pictures:
    """`snapshots`: of every stream on air, whether a template wants them or not. Thresholds in seconds, 0: not looked for; they hold for
    streams without a snapshot template."""

    snapshots: bool
    kept_days: int
    kept_count: int
    black_seconds: float
    frozen_seconds: float
    silent_seconds: float


def pictures(source: Mapping[str, str]) -> Pictures:
    def threshold(name: str, usual: float) -> float:
        return values.number(source, name, usual, low=SHORTEST, high=LONGEST)

    return Pictures(
        snapshots=bool(values.whole(source, "LIVEROOM_SNAPSHOTS", 1, low=0, high=1)),
        kept_days=values.whole(source, "LIVEROOM_SNAPSHOT_DAYS", 7, low=1, high=3650),
        kept_count=values.whole(source, "LIVEROOM_SNAPSHOT_COUNT", 1000, low=1, high=1_000_000),
        black_seconds=threshold("LIVEROOM_BLACK_SECONDS", 15),
        frozen_seconds=threshold("LIVEROOM_FROZEN_SECONDS", 120),
        silent_seconds=threshold("LIVEROOM_SILENT_SECONDS", 30),
    )
