"""Whose turn it is where several runs of pytest stand side by side, as in `deploy/test`: a test marked `alone` has the machine,
any number of others run beside each other. Who waits is the next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from pathlib import Path

# The folder that they have in common; without it nobody is beside us.
FOLDER = "LIVEROOM_TURNS"


@contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    told = os.environ.get(FOLDER)
    if not told:
        yield
        return
    with Path(told, "gate").open("a") as gate, Path(told, "machine").open("a") as machine:
        # Whoever comes after one who waits for the machine waits at the gate: else the others could take turns forever.
        flock(gate, LOCK_EX)
        flock(machine, LOCK_EX if alone else LOCK_SH)
        flock(gate, LOCK_UN)
        try:
            yield
        finally:
            flock(machine, LOCK_UN)
