"""Children bear the name of their job in their environment, so that whoever takes a job over on the same machine finds an older one.

A killed worker's children die with it (`setpriv --pdeathsig`); a worker that is frozen, or was killed between its fork and that call,
leaves one. Linux: `/proc`."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "LIVEROOM_MEDIA_JOB"
_GONE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Marked:
    """A process of a job: `job` and `run` as its starter claimed them."""

    pid: int
    job: int
    run: int


def mark(*, deployment: str, job: int, run: int) -> str:
    """The value of the variable."""
    return f"{deployment}/{job}/{run}"


def marked(deployment: str) -> Iterator[Marked]:
    """Every process of this machine that we may look at and that works for a job of this deployment; none that has ended."""
    wanted = f"{VARIABLE}={deployment}/".encode()
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):
            environment = Path("/proc", entry.name, "environ").read_bytes()
            if wanted not in environment or _is_zombie(int(entry.name)):
                continue
            value = environment.split(wanted, 1)[1].split(b"\0", 1)[0].decode()
            job, _, run = value.partition("/")
            yield Marked(pid=int(entry.name), job=int(job), run=int(run))


def _is_zombie(pid: int) -> bool:
    return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] in "ZX"


def end_older(*, deployment: str, job: int, run: int) -> int:
    """Kill every process of the job that an earlier run started, and wait until they are gone. Returns how many."""
    older = [found.pid for found in marked(deployment) if found.job == job and found.run < run]
    return _end(older)


def end_all_but(*, deployment: str, current: dict[int, int]) -> int:
    """Kill processes of jobs whose run is not the one that the database knows: `current`, job -> run. At a worker's start."""
    return _end([found.pid for found in marked(deployment) if current.get(found.job) != found.run])


def _end(pids: list[int]) -> int:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + _GONE_SECONDS
    while pids and time.monotonic() < until:
        pids = [pid for pid in pids if _runs(pid)]
        if pids:
            time.sleep(0.02)
    return len(pids)


def _runs(pid: int) -> bool:
    try:
        return not _is_zombie(pid)
    except OSError:
        return False


def cpu_seconds(pid: int) -> float | None:
    """User and system time of a process and of all that it started, so far; None: it is gone."""
    try:
        fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
        # Each thread has those that it started.
        children = [
            child
            for thread in Path("/proc", str(pid), "task").iterdir()
            for child in (thread / "children").read_text().split()
        ]
    except OSError:
        return None
    # Its own, then those of children that it has waited for.
    own = sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return own + sum(cpu_seconds(int(child)) or 0.0 for child in children)
