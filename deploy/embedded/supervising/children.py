"""One child: how it is started so that it cannot outlive us, what it prints, and how its whole family is ended; and the guard, who ends
them all if we cannot."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from deploy.embedded.run_as import User

TAIL_LINES = 15
LONGEST_PENDING = 64 * 1024
# Their files are for their own eyes: the database, keys, recordings.
CHILDREN_UMASK = 0o077
# Names the descriptor into which a child writes a line when it serves (liveroom/kernel/work/process.py).
READY_PIPE = "LIVEROOM_READY_PIPE"
DRAINS_WITHIN_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Service:
    """A process to keep running. `stage` orders the end: 0 stops first, then 1, then 2; `stop_signal` is what everybody hears then.

    `rolls`: at a rolling restart a second one is started beside it, takes over once it says that it serves, and this one gets
    SIGTERM. It must share its port, write a line into the pipe READY_PIPE, and end by itself within DRAINS_WITHIN_SECONDS."""

    name: str
    argv: tuple[str, ...]
    stage: int = 0
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    rolls: bool = False

    def successor(self) -> Service:
        """The same under its other name (`web-1` and `web-1-b` take turns): two that run at once must not have one name."""
        other = self.name.removesuffix("-b") if self.name.endswith("-b") else f"{self.name}-b"
        return replace(self, name=other, argv=tuple(other if word == self.name else word for word in self.argv))


def wrapped(argv: tuple[str, ...], *, user: User | None, stop_signal: signal.Signals = signal.SIGTERM) -> list[str]:
    """The command under setpriv, which sets the parent-death signal after it changed the user (a change clears it)."""
    become = ["--reuid", str(user.uid), "--regid", str(user.gid), "--init-groups"] if user else []
    return ["setpriv", *become, "--pdeathsig", stop_signal.name.removeprefix("SIG"), "--", *argv]


class Child:
    """One run of a service, from start to end; a restart is a new object."""

    def __init__(self, service: Service, *, process: asyncio.subprocess.Process) -> None:
        self.service = service
        self.process = process
        self.pid = process.pid
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.serves = asyncio.Event()

    @classmethod
    async def start(
        cls, service: Service, *, user: User | None, env: Mapping[str, str], cwd: str, line: Callable[[str, str], str]
    ) -> Child:
        reading, writing = os.pipe()
        asked, told = os.pipe()
        if user is not None:
            # nginx opens /dev/stdout by its name, which takes the rights of the pipe's owner.
            os.fchown(writing, user.uid, user.gid)
        try:
            process = await asyncio.create_subprocess_exec(
                *wrapped(service.argv, user=user, stop_signal=service.stop_signal),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                # A session of its own: Ctrl-C reaches only the supervisor, and the group can be ended as a whole.
                start_new_session=True,
                umask=CHILDREN_UMASK,
                env={**env, **service.env, READY_PIPE: str(told)},
                cwd=cwd,
                pass_fds=(told,),
            )
        except BaseException:
            os.close(reading)
            os.close(asked)
            raise
        finally:
            os.close(writing)
            os.close(told)
        child = cls(service, process=process)
        os.set_blocking(asked, False)
        _Lines(asked, told=lambda _: child.serves.set())
        os.set_blocking(reading, False)
        _Lines(reading, told=lambda text: child.tail.append(line(service.name, text)))
        return child

    async def wait(self) -> int:
        """The exit code; negative: the signal. What the child left of its family is ended before this returns."""
        code = await self.process.wait()
        # nginx' worker survives a killed master and keeps the ports, so that no new master could start.
        self.signal(signal.SIGKILL)
        # A last turn of the loop for lines that are still in the pipe.
        await asyncio.sleep(0.02)
        return code

    def ask(self, number: int | None = None) -> None:
        """To end, by `stop_signal` or another; only the child itself."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(self.service.stop_signal if number is None else number)

    def signal(self, number: int) -> None:
        """To the whole group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


class _Lines:
    """Cuts what comes through a pipe into lines, until the last writer has closed it."""

    def __init__(self, handle: int, *, told: Callable[[str], object]) -> None:
        self._handle = handle
        self._told = told
        self._pending = b""
        self._cutting = False
        asyncio.get_running_loop().add_reader(handle, self._read)

    def _read(self) -> None:
        try:
            block = os.read(self._handle, LONGEST_PENDING)
        except BlockingIOError:
            return
        if not block:
            asyncio.get_running_loop().remove_reader(self._handle)
            os.close(self._handle)
            if self._pending:
                self._tell(self._pending)
            return
        *lines, self._pending = (self._pending + block).split(b"\n")
        for line in lines:
            self._tell(line)
        if len(self._pending) > LONGEST_PENDING:
            # The rest of such a line is left out up to its end: cut in two, a secret in it could not be recognised.
            self._tell(self._pending)
            self._pending, self._cutting = b"", True

    def _tell(self, line: bytes) -> None:
        if self._cutting:
            self._cutting = False
            return
        self._told(line.rstrip(b"\r").decode(errors="backslashreplace"))


class Guard:
    """The process in guard.py, and the pipe whose end it waits for. One that was killed is replaced at the next word."""

    def __init__(self, *, kept_open: Sequence[int]) -> None:
        self._kept_open = tuple(kept_open)
        self._groups: set[int] = set()
        self._begin()

    def watch(self, group: int) -> None:
        self._groups.add(group)
        self._say(b"+%d\n" % group)

    def forget(self, group: int) -> None:
        self._groups.discard(group)
        self._say(b"-%d\n" % group)

    def dismiss(self) -> None:
        os.close(self._pipe)
        self._process.wait()

    def _begin(self) -> None:
        reading, self._pipe = os.pipe()
        argv = [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py"))]
        self._process = subprocess.Popen(argv, stdin=reading, start_new_session=True, pass_fds=self._kept_open)
        os.close(reading)
        for group in self._groups:
            os.write(self._pipe, b"+%d\n" % group)

    def _say(self, word: bytes) -> None:
        try:
            os.write(self._pipe, word)
        except BrokenPipeError:
            self.dismiss()
            self._begin()
