"""A media child: an argument list that runs, whose output is read, and that never outlives its parent.

Bounds: standard error keeps its last lines only; a stop takes at most the grace it was given. The parent's death ends the child
(`setpriv --pdeathsig`, which counts from the thread that forks: spawn from the main thread)."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import cast

log = logging.getLogger(__name__)

_LAST_LINES = 30
_LONGEST_LINE = 500
# What programs say of an address holds its signatures.
_QUERY = re.compile(r"\?[^\s'\"]+")

Output = Callable[[bytes], None]


class Child(asyncio.SubprocessProtocol):
    """One running child. Made by `spawn`; `returncode` is None while it runs."""

    def __init__(self, *, on_output: Output | None) -> None:
        self._on_output = on_output
        self._transport: asyncio.SubprocessTransport | None = None
        self._error_tail = b""
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._open_pipes = 2
        self._gone = False
        self._finished: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.pid = 0

    @property
    def returncode(self) -> int | None:
        return self._transport.get_returncode() if self._transport is not None else None

    @property
    def last_lines(self) -> tuple[str, ...]:
        """The end of what it said on standard error, addresses without their queries."""
        return tuple(self._lines)

    async def wait(self) -> int:
        """Until it has exited and everything it wrote was handed on. Negative: ended by that signal."""
        return await asyncio.shield(self._finished)

    async def stop(self, *, grace_seconds: float = 3.0) -> int:
        """Ask first (TERM lets it finish its files), insist after the grace. Safe to call twice and after the end."""
        if not self._finished.done():
            self.signal(signal.SIGTERM)
            try:
                return await asyncio.wait_for(self.wait(), grace_seconds)
            except TimeoutError:
                self.signal(signal.SIGKILL)
        return await self.wait()

    def signal(self, number: signal.Signals) -> None:
        """To the child and whatever it started: it leads its own process group."""
        if self.pid and self.returncode is None:
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                pass

    def forget_output(self) -> None:
        """What it still writes is nobody's any more."""
        self._on_output = None

    # asyncio.SubprocessProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self._transport.get_pid() or 0

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            if self._on_output is not None:
                self._on_output(data)
            return
        *lines, rest = (self._error_tail + data).split(b"\n")
        # A line without an end must not grow.
        self._error_tail = rest[-_LONGEST_LINE:]
        self._keep(lines)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 2 and self._error_tail:
            self._keep([self._error_tail])
            self._error_tail = b""
        if fd in (1, 2):
            self._open_pipes -= 1
            self._settle()

    def process_exited(self) -> None:
        self._gone = True
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone, self._open_pipes = True, 0
        self._settle()

    def _keep(self, lines: Sequence[bytes]) -> None:
        for line in lines[-_LAST_LINES:]:
            text = line[:_LONGEST_LINE].decode("utf-8", "replace").strip()
            if text:
                self._lines.append(_QUERY.sub("?…", text))

    def _settle(self) -> None:
        if self._gone and self._open_pipes <= 0 and not self._finished.done():
            code = self.returncode
            self._finished.set_result(code if code is not None else -1)
            if self._transport is not None:
                self._transport.close()


async def spawn(
    arguments: Sequence[str],
    *,
    on_output: Output | None = None,
    environment: Mapping[str, str] | None = None,
    at_our_death: signal.Signals = signal.SIGTERM,
) -> Child:
    """Start the list as a child of this process. OSError where the program is missing.

    No shell, no standard input, an own session; it gets `at_our_death` when this process dies, however it dies. `environment`: beside
    ours."""
    loop = asyncio.get_running_loop()
    _, child = await loop.subprocess_exec(
        lambda: Child(on_output=on_output),
        "setpriv",
        "--pdeathsig",
        at_our_death.name.removeprefix("SIG"),
        *arguments,
        env={**os.environ, **environment} if environment else None,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    return child
