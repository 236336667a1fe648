"""What the compositor costs and what it stands:

    deploy/test --bench mix [--only cost|wall|comments|switch|kills|restart|sync|memory] [--seconds 15] [--minutes 10]

A real engine, publishers of clips that were encoded once, the compositor as its own process; CPU of all its processes from /proc.
`cost`: against a plain ffmpeg mix of the same two inputs, in turns. `sync`: so many minutes of a source that flashes and beeps.
`memory`: six times as many minutes, simulated. Exit code 1: a bound was missed (each is printed). Beside other work figures say
little: the load stands with each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from tests.bench.mix import cost, faults, memory, sync
from tests.bench.mix.rig import Stand, stand

PARTS = ("cost", "wall", "comments", "switch", "kills", "restart", "sync", "memory")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy/test --bench mix", allow_abbrev=False, description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--seconds", type=float, default=15, help="of each measurement of cost")
    parser.add_argument("--rounds", type=int, default=3, help="of cost")
    parser.add_argument("--minutes", type=float, default=10)
    asked = parser.parse_args(arguments)
    with_engine: dict[str, Callable[[Stand], bool]] = {
        "cost": lambda it: cost.two_inputs(it, seconds=asked.seconds, rounds=asked.rounds),
        "wall": lambda it: cost.nine_inputs(it, seconds=asked.seconds),
        "switch": lambda it: faults.switches(it, count=10),
        "kills": lambda it: faults.kills(it, seconds=60, count=10),
        "restart": faults.restart,
        "sync": lambda it: sync.minutes(it, minutes=asked.minutes),
    }
    alone: dict[str, Callable[[], bool]] = {
        "comments": cost.comments,
        "memory": lambda: memory.hour(minutes=asked.minutes * 6),
    }
    missed = []
    for part in asked.only or PARTS:
        if part in alone:
            good = alone[part]()
        else:
            with stand() as it:
                good = with_engine[part](it)
        if not good:
            missed.append(part)
    print(f"out of bounds: {', '.join(missed)}" if missed else "within bounds")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
