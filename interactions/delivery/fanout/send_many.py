"""One frame to many sockets in one call, where a C compiler was at hand when this copy was prepared; elsewhere one by one.

What Python costs there is not its steps but memory: queue, transport, its buffers and its socket lie far apart, for thousands of
viewers in no processor's cache. Here it reads one list of file descriptors. Promise: order, bounds and partial writes are those of
`send_queue`; a descriptor that may have become somebody else's is never written to. State: the library, once per process."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interactions.delivery.fanout import send_queue
from interactions.delivery.fanout.send_queue import SendQueue, write_all

SOURCE = Path(__file__).with_suffix(".c")
FOLDER = "native"
COMPILERS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/bin", "/usr/bin", "/bin"])
COMPILE_SECONDS = 60
# So few are written as fast one by one.
FEW = 8
# What `taken` says, as in the C file.
LEFT_OUT, GONE = -1, -2

_send_many: Any = None


# The library


def library(data: Path) -> Path:
    """Where it belongs: another source or another kind of machine is another file."""
    kind = hashlib.sha256(SOURCE.read_bytes() + platform.machine().encode()).hexdigest()[:16]
    return data / FOLDER / f"send_many-{kind}.so"


def build(data: Path) -> bool:
    """Compile it if it is not there. False: there is no compiler, or it cannot; then frames are sent one by one."""
    target, compiler = library(data), shutil.which("cc", path=COMPILERS)
    if _trusted(target):
        return True
    if compiler is None:
        return False
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / target.name
        command = [compiler, "-O2", "-std=gnu11", "-shared", "-fPIC", "-o", str(made), str(SOURCE)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=COMPILE_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if done.returncode != 0 or not made.is_file():
            return False
        made.chmod(0o644)
        made.replace(target)
    return True


def use(data: Path) -> bool:
    """From here on this process sends with it, if it is there."""
    global _send_many
    _send_many = None
    target = library(data)
    if _trusted(target):
        try:
            found = ctypes.CDLL(str(target)).liveroom_send_many
        except (OSError, AttributeError):  # made for another machine
            return False
        found.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_long, ctypes.c_void_p)
        found.restype = ctypes.c_int
        _send_many = found
    return _send_many is not None


def _trusted(file: Path) -> bool:
    """Code of ours, or of root's, that nobody else can have written."""
    try:
        found = file.stat()
    except OSError:
        return False
    return found.st_uid in (0, os.geteuid()) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


# What is sent with it


class Row:
    """Some queues that are written the same frames, as long as none comes or goes."""

    __slots__ = ("_handles", "_places", "_state", "_taken", "_writers", "queues")

    def __init__(self, queues: Sequence[SendQueue]) -> None:
        self.queues = queues
        self._state = -1
        self._writers: Any = None

    def write(self, frame: bytes, *, must: bool) -> None:
        """The same frame to all of them. Never waits."""
        if _send_many is None or len(self.queues) < FEW:
            write_all(self.queues, frame, must=must)
            return
        if self._state != send_queue.ends.count:
            self._look()
        if self._writers is None:
            write_all(self.queues, frame, must=must)
            return
        # Whoever has something in Twisted's buffers, and so waits for its socket, must not be overtaken.
        busy = [handle for writer in self._writers() if (handle := writer.fileno()) in self._places]
        for handle in busy:
            self._handles[self._places[handle]] = -1
        size = len(frame)
        others = _send_many(self._handles, len(self.queues), frame, size, self._taken)
        for handle in busy:
            self._handles[self._places[handle]] = handle
        if others:
            for place, sent in enumerate(self._taken[:]):
                if sent != size:
                    self._went_otherwise(self.queues[place], frame, sent=sent, must=must)

    def _went_otherwise(self, queue: SendQueue, frame: bytes, *, sent: int, must: bool) -> None:
        if sent == LEFT_OUT:
            queue.write(frame, must=must)
        elif sent != GONE:  # Twisted notices by itself who is gone
            queue._transport.write(frame[sent:])

    def _look(self) -> None:
        """A descriptor is good until some queue ends, which it does before its connection's descriptor is closed and given away."""
        handles = [queue.handle() for queue in self.queues]
        self._state = send_queue.ends.count
        self._handles = (ctypes.c_int * len(handles))(*handles)
        self._taken = (ctypes.c_long * len(handles))()
        self._places = {handle: place for place, handle in enumerate(handles) if handle >= 0}
        first = next((queue for queue, handle in zip(self.queues, handles, strict=True) if handle >= 0), None)
        self._writers = None if first is None else first._transport.reactor.getWriters
