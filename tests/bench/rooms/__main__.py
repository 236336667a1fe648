"""What many rooms cost beside few, and what it takes to come into them:

    deploy/test --bench rooms [--rounds 3] [--seconds 10]

Prints ratios of one run; exit code 1 if a bar is missed, 2 if it could not be measured. README.md says what is counted."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.fanout.load import Load, LoadFailed, Run, compiled, run
from tests.bench.fanout.ours import Prepared, prepare, socket_processes

FEW, MANY, VIEWERS, A_SECOND = 50, 800, 1_600, 200
JOINED = 400
# Nearly nothing is said: what is counted is what it costs that people are there.
SILENCE = 0.01


@dataclass(frozen=True, slots=True)
class Bar:
    """`value` of a round's figures is at most `limit`."""

    what: str
    unit: str
    limit: float
    value: Callable[[dict[str, float]], float]


BARS = (
    Bar(
        f"{A_SECOND} messages a second over {MANY} rooms, against over {FEW}", "×", 1.2, lambda f: f["many"] / f["few"]
    ),
    Bar(f"{MANY} rooms with {VIEWERS} silent viewers", "cores", 0.05, lambda f: f["silent"]),
    Bar("a join, the first of its room", "ms", 2.0, lambda f: f["first"]),
    Bar("a join, the next of its room", "ms", 0.8, lambda f: f["next"]),
    Bar(f"{VIEWERS} viewers of {MANY} rooms come at once", "s", 5.0, lambda f: f["storm"]),
)


def measured(prepared: Prepared, *, program: Path, seconds: float) -> dict[str, float]:
    """One round; each measurement has a server of its own."""

    def told(load: Load, *, warmup: float = 3.0) -> Run:
        with tempfile.TemporaryDirectory() as name, socket_processes(prepared, load=load, folder=Path(name)) as target:
            found = run(program=program, target=target, load=load, seconds=seconds, warmup=warmup)
        if found.missing:
            raise LoadFailed(f"{found.missing} of {load.viewers} viewers are missing.")
        return found

    def spoken(rooms: int, rate: float = A_SECOND) -> float:
        return told(Load(viewers=VIEWERS, rate=rate, publishers=rooms, rooms=rooms, tokens=True)).cores

    def came(viewers: int, rooms: int, at_once: int = 200) -> Run:
        return told(Load(viewers=viewers, rooms=rooms, tokens=True, at_once=at_once))

    first, both, one = came(JOINED, JOINED), came(2 * JOINED, JOINED), came(JOINED, 1)
    storm = came(VIEWERS, MANY, at_once=VIEWERS)
    return {
        "few": spoken(FEW),
        "many": spoken(MANY),
        "silent": spoken(MANY, SILENCE),
        "one room": one.connect_micros / 1000,
        "first": first.connect_micros / 1000,
        "next": (both.connect_micros * 2 - first.connect_micros) / 1000,
        "storm": float(storm.said["connect_s"]),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy/test --bench rooms", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10)
    asked = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            program, prepared = compiled(folder), prepare(folder, rooms=MANY)
            rounds = [measured(prepared, program=program, seconds=asked.seconds) for _ in range(asked.rounds)]
    except LoadFailed as error:
        print(f"It could not be measured: {error}", file=sys.stderr)
        return 2
    for name in rounds[0]:
        values = [found[name] for found in rounds]
        print(f"{name:10} {statistics.median(values):8.3f} ({min(values):.3f}-{max(values):.3f})")
    missed = 0
    for bar in BARS:
        values = [bar.value(found) for found in rounds]
        value = statistics.median(values)
        missed += value > bar.limit
        word = "FAIL" if value > bar.limit else "PASS"
        print(f"{word} {bar.what}: {value:.2f} ({min(values):.2f}-{max(values):.2f}) {bar.unit}, at most {bar.limit}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
