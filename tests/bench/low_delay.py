"""What low-latency HLS costs: `python -m tests.bench.low_delay [--viewers 100] [--seconds 10]`.

A real nginx, one publisher of a clip that was encoded once (640x360, 25 pictures, 1.5 Mb/s), the gateway as its own process, and players
in two more that do what hls.js does: ask for the playlist that has the next part, then for that part, on connections that are kept. CPU
is read from /proc. First one viewer by FLV, then one by low-latency HLS: what cutting costs. Then all of them. Figures of one machine
compare with figures of the same machine only."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.gateway import STREAM, asked, children_of, cpu_seconds, gateway_arguments, resident_mb, started
from tests.media.rig import Rig, make_clip, make_rig

INDEX = f"/live/{STREAM}/ll/index.m3u8"
_PART = re.compile(rb'#EXT-X-PART:DURATION=[0-9.]+,URI="((\d+)\.(\d+)-[^"]+)"')
_HINT = re.compile(rb'PRELOAD-HINT:TYPE=PART,URI="(\d+)\.(\d+)-')


class Counts:
    received = requests = late = failed = 0


class Connection:
    """One that is kept: asks, and reads the whole answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str) -> bytes:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        assert self._reader is not None
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length is not None, head
        body = await self._reader.readexactly(int(length[1]))
        Counts.requests += 1
        Counts.received += len(head) + len(body)
        if not head.startswith(b"HTTP/1.1 200"):
            Counts.failed += 1
        return body


async def watch(port: int) -> None:
    playlists, parts = Connection(port), Connection(port)
    text = await playlists.get(INDEX)
    while True:
        hinted = _HINT.search(text)
        newest = _PART.findall(text)[-1]
        await parts.get(f"/live/{STREAM}/ll/{newest[0].decode()}")
        wanted = (int(hinted[1]), int(hinted[2])) if hinted else (int(newest[1]), int(newest[2]) + 1)
        began = time.monotonic()
        text = await playlists.get(f"{INDEX}?_HLS_msn={wanted[0]}&_HLS_part={wanted[1]}&_HLS_skip=YES")
        Counts.late += time.monotonic() - began > 0.35


async def crowd(port: int, count: int) -> None:
    """A process full of players; a line on standard input asks for its counts."""
    watching = [asyncio.create_task(watch(port)) for _ in range(count)]
    await asyncio.sleep(4)
    print("watching", flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        lost = sum(task.done() for task in watching)
        told = {
            "received": Counts.received,
            "requests": Counts.requests,
            "late": Counts.late,
            "lost": lost,
            "failed": Counts.failed,
        }
        print(json.dumps(told), flush=True)


def shares(watched: dict[str, list[int]], seconds: float) -> dict[str, float]:
    """Per name: the share of a core over the next seconds, in per cent."""
    before, began = {name: sum(map(cpu_seconds, pids)) for name, pids in watched.items()}, time.monotonic()
    time.sleep(seconds)
    span = time.monotonic() - began
    return {name: (sum(map(cpu_seconds, pids)) - before[name]) / span * 100 for name, pids in watched.items()}


def measure(rig: Rig, gateway: int, options: argparse.Namespace) -> None:
    port = rig.site.http_port
    print(f"load before: {os.getloadavg()[0]:.1f}")
    for what, module, more in (
        ("one viewer by FLV", "tests.bench.gateway", ["--crowd", "1"]),
        ("one by low-latency HLS", "tests.bench.low_delay", ["--crowd", "1"]),
    ):
        child = started(module, *more, "--port", str(port))
        time.sleep(3)
        found = shares({"gateway": [gateway]}, options.seconds)
        print(f"{what}: gateway {found['gateway']:.1f} % of a core")
        child.kill()
        child.wait()
    crowds = [
        started("tests.bench.low_delay", "--crowd", str(options.viewers // 2), "--port", str(port)) for _ in range(2)
    ]
    watched = {"gateway": [gateway], "its ffmpeg": children_of(gateway), "nginx worker": [rig.nginx_worker]}
    rounds: dict[str, list[float]] = {name: [] for name in watched}
    rates, asks = [], []
    for _ in range(options.rounds):
        began, received, requests = time.monotonic(), asked(crowds, "received"), asked(crowds, "requests")
        for name, share in shares(watched, options.seconds).items():
            rounds[name].append(share)
        span = time.monotonic() - began
        rates.append((asked(crowds, "received") - received) * 8 / span / 1e6)
        asks.append((asked(crowds, "requests") - requests) / span)
    late, lost, failed = asked(crowds, "late"), asked(crowds, "lost"), asked(crowds, "failed")
    rate, asks_a_second = statistics.median(rates), statistics.median(asks)
    print(
        f"{options.viewers} viewers by low-latency HLS through nginx: {rate:.0f} Mb/s, {asks_a_second:.0f} requests a second"
    )
    print(
        f"  of {asked(crowds, 'requests'):,} requests {failed} failed, {late} playlists were late; {lost} viewers lost"
    )
    for name, all_rounds in rounds.items():
        print(
            f"  {name}: {statistics.median(all_rounds):.1f} % of a core (from {min(all_rounds):.1f} to {max(all_rounds):.1f})"
        )
    print(f"  gateway memory: {resident_mb(gateway):.0f} MB")
    for child in crowds:
        child.kill()
        child.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--crowd", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.crowd:
        import uvloop

        uvloop.run(crowd(options.port, options.crowd))
        return
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder) / "clip.flv", size="640x360", seconds=30, kbps=1436, keyframe_frames=50)
        rig = make_rig(Path(folder) / "data")
        gateway = None
        try:
            rig.start()
            rig.push(STREAM, clip)
            gateway = started("tests.media.gateway_process", gateway_arguments(rig))
            measure(rig, gateway.pid, options)
        finally:
            if gateway is not None:
                gateway.terminate()
                gateway.wait()
            rig.close()


if __name__ == "__main__":
    main()
