"""Processes for the length of a measurement: started with us, ended with the block, their output kept for when they fail."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from deploy.embedded.ports import choose_inner
from deploy.embedded.supervising.children import wrapped
from tests.bench.fanout.load import LoadFailed, until

# Settings of whoever runs us that would reach the servers.
NOT_INHERITED = ("REDIS_URL", "DATABASE_URL", "PROMETHEUS_MULTIPROC_DIR", "DJANGO_SETTINGS_MODULE", "PYTHONPATH")
STARTS_WITHIN_SECONDS = 30


def free_port() -> int:
    return choose_inner(wanted={"any": 0}, earlier={})["any"]


def environment(**own: str) -> dict[str, str]:
    """Ours without what would make two copies one."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_INHERITED and not name.startswith("LIVEROOM_")
    }
    return {**inherited, **own}


@contextlib.contextmanager
def running(
    argv: Sequence[str],
    *,
    folder: Path,
    port: int,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    listeners: int = 1,
) -> Iterator[int]:
    """Yields the pid once `listeners` sockets listen on the port. Raises LoadFailed with what it printed."""
    log = folder / f"{Path(argv[0]).name}-{port}-{listeners}.log"
    with log.open("wb") as sink:
        child = subprocess.Popen(
            wrapped(tuple(argv), user=None), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            env=dict(env or environment()), cwd=cwd or folder, start_new_session=True,
        )  # fmt: skip

    def listens() -> bool:
        if child.poll() is not None:
            raise LoadFailed(f"{argv[0]} ended:\n{log.read_text(errors='replace')[-3000:]}")
        return listening(port) >= listeners

    try:
        until(listens, seconds=STARTS_WITHIN_SECONDS, what=f"{argv[0]} on port {port}")
        yield child.pid
    finally:
        # At once: an end that takes leave of thousands of viewers is no part of any figure.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def listening(port: int) -> int:
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(row.split()[3] == "0A" and int(row.split()[1].rpartition(":")[2], 16) == port for row in rows)


def children_of(pid: int) -> tuple[int, ...]:
    return tuple(int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@contextlib.contextmanager
def redis_server(folder: Path, *, durable: bool = False) -> Iterator[tuple[int, int]]:
    """Yields its port and pid. `durable`: every second on disk, as deploy/embedded/own_redis.py has it."""
    port = free_port()
    argv = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    if durable:
        argv += ["--appendonly", "yes", "--appendfsync", "everysec"]
    with running(argv, folder=folder, port=port) as pid:
        yield port, pid
