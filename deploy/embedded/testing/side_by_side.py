"""Commands side by side: begun in the order given, so many at a time, and what each of them prints stays in one piece.

One is shown as it prints, the others when that one has ended. What ends us (Ctrl-C, SIGTERM as Ctrl-C) ends them first."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.embedded.supervising.children import wrapped

# pytest takes its time: it ends what its fixtures have started.
ENDS_WITHIN_SECONDS = 30
TAIL = 4096


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Result:
    """`code` as the command gave it; `last` is the last line that it printed."""

    name: str
    code: int
    seconds: float
    last: str = ""

    @property
    def passed(self) -> bool:
        return self.code == 0


@dataclass(slots=True)
class _Block:
    """What one command printed and is not shown yet."""

    held: list[str] = field(default_factory=list)
    ended: bool = False


class Output:
    """Shows the blocks one after the other: the first that has not ended as it comes."""

    def __init__(self, show: Callable[[str], object]) -> None:
        self._show = show
        self._blocks: deque[_Block] = deque()

    def begins(self, title: str) -> _Block:
        block = _Block()
        self._blocks.append(block)
        self.prints(block, f"\n── {title} {'─' * (74 - len(title))}\n")
        return block

    def prints(self, block: _Block, text: str) -> None:
        block.held.append(text)
        self._catch_up()

    def ends(self, block: _Block) -> None:
        block.ended = True
        self._catch_up()

    def show_all(self) -> None:
        """Also of those that never ended."""
        for block in self._blocks:
            block.ended = True
        self._catch_up()

    def _catch_up(self) -> None:
        while self._blocks:
            first = self._blocks[0]
            if first.held:
                self._show("".join(first.held))
                first.held.clear()
            if not first.ended:
                return
            self._blocks.popleft()


def run_side_by_side(steps: Sequence[Step], *, at_once: int, cwd: Path, show: Callable[[str], object]) -> list[Result]:
    """In the order of `steps`. Raises KeyboardInterrupt when everything that was begun has ended and is shown."""
    return asyncio.run(_run_all(steps, at_once=at_once, cwd=cwd, output=Output(show)))


async def _run_all(steps: Sequence[Step], *, at_once: int, cwd: Path, output: Output) -> list[Result]:
    waiting = deque(enumerate(steps))
    results: dict[int, Result] = {}

    async def lane() -> None:
        while waiting:
            number, step = waiting.popleft()
            results[number] = await _run(step, cwd=cwd, output=output)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(lane())
    finally:
        output.show_all()
    return [results[number] for number in range(len(steps))]


async def _run(step: Step, *, cwd: Path, output: Output) -> Result:
    block, tail = output.begins(step.name), ""
    began = time.monotonic()
    child = await asyncio.create_subprocess_exec(
        *wrapped(step.argv, user=None, stop_signal=signal.SIGINT),
        env=step.env,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # A group of its own: Ctrl-C reaches it once, through us, and the group can be ended as a whole.
        start_new_session=True,
    )
    assert child.stdout is not None
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    async def until_ended() -> None:
        nonlocal tail
        assert child.stdout is not None
        while data := await child.stdout.read(65536):
            text = decoder.decode(data)
            output.prints(block, text)
            tail = (tail + text)[-TAIL:]
        await child.wait()

    try:
        await until_ended()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGINT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(until_ended(), ENDS_WITHIN_SECONDS)
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        output.ends(block)
    assert child.returncode is not None
    last = "".join(tail.strip().splitlines()[-1:]).strip()
    return Result(name=step.name, code=child.returncode, seconds=time.monotonic() - began, last=last)
