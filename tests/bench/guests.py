"""What crowds that pay nothing cost those who do, as ratios in one run.

    deploy/test --bench guests [COMMANDS]

1. Guests send COMMANDS (200,000) commands that guests may not send, over a hundred sockets, as fast as they are read: how soon others'
   comments are answered meanwhile, and what the process keeps of it.
2. Two hundred come at the same time into a room with a password that nobody has proven yet: how long others' joins into other rooms take.

One socket process with its own Redis and SQLite, ticking as shipped. Run it on a quiet machine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.bench.fanout.ours import CHECKOUT, ROOM, Prepared, prepare
from tests.bench.fanout.processes import redis_server, running
from tests.helpers.crowd import Line
from tests.helpers.wire import memory_bytes

FLOODERS, SPEAKERS, QUIET_SECONDS, LONGEST_SECONDS = 100, 10, 6, 150
ARRIVALS, JOINS = 200, 150
PASSWORD_ROOM, OTHER_ROOM = f"{ROOM}0", f"{ROOM}1"
KINDS = ("comment", "like", "gift", "poll_vote", "direct", "custom")
_SET_PASSWORD = f"""
import django; django.setup()
from liveroom.kernel import clock; from liveroom.rooms.models import Room; from liveroom.rooms.services.rooms import change_access
from tests.bench.fanout.people import BY
change_access(room=Room.objects.get(group_id={PASSWORD_ROOM!r}), by=BY, now=clock.now(), password="sesame")
"""


class Caller:
    """One socket: asks, and waits for the answer."""

    def __init__(self, line: Line) -> None:
        self._line, self._number = line, 0

    @classmethod
    async def to(cls, port: int, query: str) -> Caller:
        _, line = await asyncio.get_running_loop().create_connection(lambda: Line(query=query), "127.0.0.1", port)
        await line.opened.wait()
        return cls(line)

    async def answer(self, number: int) -> dict[str, Any]:
        while True:
            payload = await self._line.frames.get()
            if payload is None:
                raise RuntimeError(f"hung up on with {self._line.code}")
            frame: dict[str, Any] = json.loads(payload)
            if frame.get("id") == number and "ok" in frame:
                return frame

    async def asks(self, **command: Any) -> tuple[dict[str, Any], float]:
        """The answer, and how many ms it took."""
        self._number += 1
        began = time.perf_counter()
        self._line.write(json.dumps({"id": self._number, **command}).encode())
        return await self.answer(self._number), (time.perf_counter() - began) * 1000

    def floods(self, number: int) -> None:
        self._line.write(
            json.dumps({"id": number, "type": KINDS[number % len(KINDS)], "text": "x", "count": 1}).encode()
        )

    def hangs_up(self) -> None:
        self._line.transport.close()


def p99(found: list[float]) -> float:
    return sorted(found)[min(len(found) - 1, len(found) * 99 // 100)]


async def comments(speakers: list[Caller], until: Callable[[], bool]) -> list[float]:
    """Each says three things a second."""
    took: list[float] = []

    async def speak(speaker: Caller, first: float) -> None:
        await asyncio.sleep(first)
        while not until():
            said, ms = await speaker.asks(type="comment", text="hello")
            if not said["ok"]:
                raise RuntimeError(f"refused: {said}")
            took.append(ms)
            await asyncio.sleep(0.33)

    await asyncio.gather(*(speak(speaker, n / 30) for n, speaker in enumerate(speakers)))
    return took


async def flood(port: int, pid: int, prepared: Prepared, commands: int) -> None:
    speakers = [await Caller.to(port, f"usersig={quote(token, safe='')}") for token in prepared.tokens[:SPEAKERS]]
    for speaker in speakers:
        await speaker.asks(type="join", room=OTHER_ROOM)
    end = time.monotonic() + QUIET_SECONDS
    quiet = await comments(speakers, lambda: time.monotonic() > end)
    before, cpu = memory_bytes(pid), cpu_seconds(pid)
    began = time.monotonic()
    # In a process of its own: what is measured here is the server's time, not ours.
    argv = (sys.executable, "-m", "tests.bench.guests", str(commands), str(port), str(prepared.sdkappid))
    flooding = await asyncio.create_subprocess_exec(*argv, cwd=CHECKOUT)
    ended = asyncio.ensure_future(flooding.wait())
    most = 0

    def over() -> bool:
        nonlocal most
        most = max(most, memory_bytes(pid))
        return ended.done() or time.monotonic() > began + LONGEST_SECONDS

    flooded = await comments(speakers, over)
    took, cpu = time.monotonic() - began, cpu_seconds(pid) - cpu
    if await ended:
        raise RuntimeError("the guests failed")
    print(
        f"{commands:,} commands of {FLOODERS} guests: all refused in {took:.0f} s, with {cpu / took:.2f} of a core; "
        f"memory {before / 1e6:.0f} MB before, at most {(most - before) / 1e6:+.1f} MB\n"
        f"comments of others, p99: quiet {p99(quiet):.0f} ms, flooded {p99(flooded):.0f} ms: ratio {p99(flooded) / p99(quiet):.2f} "
        f"(of {len(quiet)} and {len(flooded)})"
    )
    for caller in speakers:
        caller.hangs_up()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def guests(port: int, sdkappid: int, commands: int) -> None:
    """The flood: every command is answered, and refused."""
    found = [await Caller.to(port, f"sdkappid={sdkappid}") for _ in range(FLOODERS)]
    for guest in found:
        await guest.asks(type="join", room=OTHER_ROOM)

    async def send(guest: Caller) -> None:
        share = commands // FLOODERS
        for number in range(2, share + 2):
            guest.floods(number)
            if number % 50 == 0:  # a client has buffers too
                await asyncio.sleep(0)
        for number in range(2, share + 2):
            if (await guest.answer(number))["ok"]:
                raise RuntimeError("a guest was let do something")

    await asyncio.gather(*map(send, found))
    for guest in found:
        guest.hangs_up()


async def arrivals(port: int, prepared: Prepared) -> None:
    async def joins(number: int) -> list[float]:
        took = []
        for n in range(number):
            other = await Caller.to(port, f"sdkappid={prepared.sdkappid}")
            joined, ms = await other.asks(type="join", room=f"{ROOM}{1 + n % 20}")
            if not joined["ok"]:
                raise RuntimeError(f"refused: {joined}")
            took.append(ms)
            other.hangs_up()
        return took

    await joins(JOINS)  # every room was entered once
    quiet = await joins(JOINS)
    crowd = [await Caller.to(port, f"sdkappid={prepared.sdkappid}") for _ in range(ARRIVALS)]
    began = time.perf_counter()
    coming = asyncio.gather(*(one.asks(type="join", room=PASSWORD_ROOM, password="sesame") for one in crowd))
    others = await joins(JOINS)
    came = await coming
    if not all(answer["ok"] for answer, _ in came):
        raise RuntimeError("somebody who knows the password was not let in")
    print(
        f"{ARRIVALS} arrivals with a password nobody had proven: the last in after {max(ms for _, ms in came):.0f} ms\n"
        f"joins of others, p99: quiet {p99(quiet):.0f} ms, meanwhile {p99(others):.0f} ms: ratio {p99(others) / p99(quiet):.2f} "
        f"(all in {time.perf_counter() - began:.1f} s)"
    )
    for caller in crowd:
        caller.hangs_up()


def measured(prepared: Prepared, folder: Path, work: Callable[[int, int], Coroutine[Any, Any, None]]) -> None:
    folder.mkdir()
    port = prepared.ports["ws"]
    metrics = folder / "metrics"
    metrics.mkdir()
    with redis_server(folder) as (redis_port, _):
        env = {
            **prepared.env,
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        }
        subprocess.run([sys.executable, "-c", _SET_PASSWORD], env=env, cwd=CHECKOUT, check=True)
        argv = [sys.executable, str(CHECKOUT / "manage.py"), "run_socket", "--name", "socket-1"]
        with running(argv, folder=folder, port=port, env=env, cwd=CHECKOUT) as pid:
            asyncio.run(work(port, pid))


def main(commands: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepared = prepare(folder)
        measured(prepared, folder / "password", lambda port, pid: arrivals(port, prepared))
        measured(prepared, folder / "flood", lambda port, pid: flood(port, pid, prepared, commands))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        asyncio.run(guests(port=int(sys.argv[2]), sdkappid=int(sys.argv[3]), commands=int(sys.argv[1])))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
