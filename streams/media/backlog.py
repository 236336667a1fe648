"""How much a child has not read yet of what came to it over TCP: the mark of one that is slower than its source.

Read from /proc of this machine; nothing is asked of the child."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def unread_bytes(pid: int | None, *, proc: Path = _PROC) -> int:
    """Over all its connections. 0: none, or it is gone, or it may not be looked at."""
    if not pid:
        return 0
    inodes = set()
    with suppress(OSError):
        for entry in os.scandir(proc / str(pid) / "fd"):
            with suppress(OSError):
                kind, _, number = os.readlink(entry.path).partition(":[")
                if kind == "socket":
                    inodes.add(number.rstrip("]"))
    if not inodes:
        return 0
    waiting = 0
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (proc / str(pid) / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                # tx_queue:rx_queue, in hexadecimal.
                if len(fields) > 9 and fields[9] in inodes:
                    waiting += int(fields[4].partition(":")[2], 16)
    return waiting
