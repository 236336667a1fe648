"""One `deploy/up` per data folder, held by an open file: it falls with the last process that has it open."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

# After a kill -9 the guard still holds the lock while it ends what was left; it needs at most this long.
WAIT_FOR_GUARD_SECONDS = 10.0


class AlreadyRunning(Exception):
    pass


def take_lock(path: Path) -> int:
    """Returns the descriptor that holds the lock. Raises AlreadyRunning with a text for people."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + WAIT_FOR_GUARD_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            pid = _recorded_pid(handle)
            if (pid is None or not _is_alive(pid)) and time.monotonic() < until:
                time.sleep(0.1)
                continue
            os.close(handle)
            raise AlreadyRunning(
                f"The data folder {path.parent.parent} is in use by process {pid or 'unknown'}. Stop that one first, "
                "or give this copy its own LIVEROOM_DATA, LIVEROOM_HTTP_PORT, LIVEROOM_WS_PORT and LIVEROOM_RTMP_PORT."
            ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def is_held(path: Path) -> bool:
    """Whether a `deploy/up` runs on the folder of this lock; takes nothing that could be in its way."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _recorded_pid(handle: int) -> int | None:
    try:
        return int(os.pread(handle, 20, 0))
    except ValueError:
        return None


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in "ZX"
