"""Keeps a set of services running, and leaves nothing behind.

A child that dies is started again, after 0.2 s and then longer up to 5 s, from 0.2 s again once it lived 10 s. Stopping
asks stage after stage and takes at most 10 s in all. If this process is killed, guard and kernel end the children.
SIGHUP replaces one after the other of those that can be (`Service.rolls`), each by its successor that serves already.
State: the running children, mirrored in `pids_file` as {name: pid} for whoever looks from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from deploy.embedded.run_as import User, write_private
from deploy.embedded.supervising.children import DRAINS_WITHIN_SECONDS, Child, Guard, Service
from deploy.embedded.supervising.output import Output

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
PROVEN_AFTER_SECONDS = 10.0
# Before everything serves, a child that ends this often without having lived PROVEN_AFTER_SECONDS will not get better.
HOPELESS_AFTER = 3
# From the first signal on: until when a stage may hold up the next one, and until when anybody may live.
ASK_NEXT_SECONDS = 5.0
KILL_AFTER_SECONDS = 7.0
# A successor that does not serve by then is given up, and its predecessor stays.
SERVES_WITHIN_SECONDS = 60.0
OWN_NAME = "up"


class Hopeless(Exception):
    """A child that cannot run, before the whole ever served; the text holds its last lines."""


class Supervisor:
    """Inside `async with`, SIGINT and SIGTERM ask for the end; on the way out everything is stopped. SIGHUP asks for a rolling
    restart, unless it says that the terminal is gone: then it asks for the end too.

    `kept_open`: descriptors that the guard holds on to as well, such as the lock of the data folder."""

    def __init__(
        self,
        *,
        output: Output,
        pids_file: Path,
        env: Mapping[str, str],
        cwd: Path,
        user: User | None = None,
        kept_open: Sequence[int] = (),
    ) -> None:
        self._output = output
        self._pids_file = pids_file
        self._env = dict(env)
        self._cwd = str(cwd)
        self._user = user
        self._children: dict[str, Child] = {}
        self._keepers: set[asyncio.Task[None]] = set()
        self._stages: dict[str, int] = {}
        self._rolling: dict[str, Service] = {}
        self._retired: set[str] = set()
        self._roll: asyncio.Task[None] | None = None
        self._had_terminal = has_terminal()
        self._serves = False
        self._told_to_stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._hopeless = asyncio.Event()
        self._reason = ""
        self._guard = Guard(kept_open=kept_open)

    async def __aenter__(self) -> Supervisor:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        self._guard.dismiss()

    def say(self, text: str) -> None:
        self._output.line(OWN_NAME, text)

    def start(self, service: Service) -> None:
        """Starts it and keeps it running from now on."""
        self._stages[service.name] = service.stage
        if service.rolls:
            self._rolling[service.name] = service
        keeper = asyncio.create_task(self._keep(service), name=service.name)
        self._keepers.add(keeper)
        keeper.add_done_callback(self._keepers.discard)

    async def once(self, service: Service) -> tuple[int, list[str]]:
        """Runs a command to its end: its code and last lines. Told to stop meanwhile, it is ended."""
        child = await self._spawn(service)
        ended = asyncio.create_task(child.wait())
        await self._first_of(ended, self._told_to_stop)
        if not ended.done():
            await self._ask([child], until=time.monotonic() + KILL_AFTER_SECONDS)
            await self._kill([child])
        code = await ended
        self._forget(child)
        return code, list(child.tail)

    def now_serves(self) -> None:
        """From here on a dying child is restarted for ever."""
        self._serves = True

    @property
    def stopping(self) -> bool:
        return self._told_to_stop.is_set()

    async def until_stop(self) -> None:
        """Returns when told to stop. Raises Hopeless."""
        asked = asyncio.create_task(self._told_to_stop.wait())
        await self._first_of(asked, self._hopeless)
        if not asked.done():
            asked.cancel()
            raise Hopeless(self._reason)

    async def stop(self) -> None:
        """Ends stage after stage; returns when no child is left."""
        self._told_to_stop.set()
        if self._roll is not None:
            self._roll.cancel()
        began = time.monotonic()
        for stage in sorted(set(self._stages.values())):
            members = [child for name, child in self._children.items() if self._stages.get(name) == stage]
            await self._ask(members, until=began + ASK_NEXT_SECONDS)
        left = list(self._children.values())
        await self._ask(left, until=began + KILL_AFTER_SECONDS)
        await self._kill(left)
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def _keep(self, service: Service) -> None:
        pause, deaths = FIRST_PAUSE_SECONDS, 0
        while not self.stopping:
            began = time.monotonic()
            how, tail = await self._run(service)
            if self.stopping or service.name in self._retired:
                return
            lived = time.monotonic() - began
            if lived >= PROVEN_AFTER_SECONDS:
                pause, deaths = FIRST_PAUSE_SECONDS, 0
            deaths += 1
            if not self._serves and deaths >= HOPELESS_AFTER:
                last = f": {tail[-1]}" if tail else "."
                lines = "".join(f"\n  {line}" for line in tail)
                self._reason = f"{service.name} {how}, {deaths} times in a row{last}{lines}"
                self._hopeless.set()
                return
            self.say(f"{service.name} {how} after {lived:.1f} s; starting it again in {pause:.1f} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told_to_stop.wait(), pause)
            if service.name in self._retired:
                return
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run(self, service: Service) -> tuple[str, list[str]]:
        """One life of it: how it ended, in words, and its last lines."""
        try:
            child = await self._spawn(service)
        except OSError as error:
            return f"could not be started ({error})", []
        code = await child.wait()
        self._forget(child)
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        return how, list(child.tail)

    async def _spawn(self, service: Service) -> Child:
        child = await Child.start(service, user=self._user, env=self._env, cwd=self._cwd, line=self._output.line)
        self._guard.watch(child.pid)
        self._children[service.name] = child
        self._write_pids()
        if self.stopping:
            child.signal(signal.SIGKILL)
        return child

    def _forget(self, child: Child) -> None:
        del self._children[child.service.name]
        self._guard.forget(child.pid)
        self._write_pids()

    def _write_pids(self) -> None:
        pids = {name: child.pid for name, child in self._children.items()}
        write_private(self._pids_file, json.dumps(pids), owner=self._user)

    def _on_signal(self, number: int) -> None:
        if self.stopping:
            self._hurry.set()
            return
        self.say(f"{signal.Signals(number).name}: stopping (once more: at once)")
        self._told_to_stop.set()

    def _on_hangup(self) -> None:
        if self._had_terminal and not has_terminal():
            self._on_signal(signal.SIGHUP)
        elif self.stopping or not self._serves:
            self.say("SIGHUP: not now; a rolling restart is for a copy that serves")
        elif self._roll is not None and not self._roll.done():
            self.say("SIGHUP: a rolling restart is under way already")
        else:
            self._roll = asyncio.create_task(self._roll_all(list(self._rolling.values())))

    async def _roll_all(self, services: Sequence[Service]) -> None:
        self.say(f"SIGHUP: rolling restart of {', '.join(service.name for service in services) or 'nothing'}")
        for service in services:
            if not await self._replace(service):
                self.say("The rolling restart ends here; what was not replaced goes on as before.")
                return
        self.say("The rolling restart is complete.")

    async def _replace(self, service: Service) -> bool:
        """Whether the successor serves and the predecessor is gone. If not, everything is as it was."""
        began, successor = time.monotonic(), service.successor()
        self.start(successor)
        if not await self._serves_soon(successor.name):
            self.say(f"{successor.name} does not serve; {service.name} stays")
            await self._retire(successor, number=signal.SIGKILL)
            return False
        await self._retire(service, number=signal.SIGTERM)
        self.say(f"{successor.name} took over from {service.name} in {time.monotonic() - began:.1f} s")
        return True

    async def _serves_soon(self, name: str) -> bool:
        """Its first life counts: a new version that dies at once must not replace one that works."""
        first: Child | None = None
        until = time.monotonic() + SERVES_WITHIN_SECONDS
        while time.monotonic() < until:
            child = self._children.get(name)
            if first is not None and child is not first:
                return False
            first = child
            if first is not None and first.serves.is_set():
                return True
            await asyncio.sleep(0.05)
        return False

    async def _retire(self, service: Service, *, number: int) -> None:
        """It is not started again, and has DRAINS_WITHIN_SECONDS to end."""
        self._retired.add(service.name)
        self._rolling.pop(service.name, None)
        child = self._children.get(service.name)
        if child is not None:
            child.ask(number)
            try:
                await asyncio.wait_for(child.process.wait(), DRAINS_WITHIN_SECONDS + 1)
            except TimeoutError:
                await self._kill([child])
        keepers = [keeper for keeper in self._keepers if keeper.get_name() == service.name]
        await asyncio.gather(*keepers, return_exceptions=True)
        self._stages.pop(service.name, None)
        self._retired.discard(service.name)

    async def _ask(self, children: Sequence[Child], *, until: float) -> None:
        """Returns when all have ended, at `until` (monotonic), or when a second signal says not to wait."""
        for child in children:
            child.ask()
        ended = asyncio.ensure_future(asyncio.gather(*(child.process.wait() for child in children)))
        await self._first_of(ended, self._hurry, seconds=max(0.0, until - time.monotonic()))
        ended.cancel()

    async def _kill(self, children: Sequence[Child]) -> None:
        for child in children:
            if child.process.returncode is None:
                self.say(f"{child.service.name} does not end; killing it")
                child.signal(signal.SIGKILL)
        await asyncio.gather(*(child.process.wait() for child in children))

    @staticmethod
    async def _first_of(work: asyncio.Future[Any], event: asyncio.Event, *, seconds: float | None = None) -> None:
        happened: asyncio.Future[Any] = asyncio.create_task(event.wait())
        await asyncio.wait({work, happened}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        happened.cancel()


def has_terminal() -> bool:
    """Whether we can be hung up on: the kernel takes a terminal away before it says SIGHUP."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
