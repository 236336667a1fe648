"""What the gateway costs and how far behind it is: `python -m tests.bench.gateway [--viewers 100] [--seconds 20]`.

A real nginx, one publisher of a clip that was encoded once (640x360, 25 pictures and 850 kb/s), the gateway as its own process, and
light viewers in two more. CPU is read from /proc over the measured time. Delay: when the same tag (by its timestamp) arrived at a
plain RTMP reader and at an FLV reader. Figures of one machine compare with figures of the same machine only."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveroom.settings")
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="metrics-"))

from streams.gateway.picture.flv import Kind, Parser, kind_of
from tests.media.rig import PULL_TOKEN, SECURE_LINK_SECRET, SEGMENTS, Rig, make_clip, make_rig

STREAM = "bench"
# A tag's head, and of its body what tells codec, kind and composition time.
HEAD = 11 + 5
TICKS = os.sysconf("SC_CLK_TCK")


def gateway_arguments(rig: Rig, **more: object) -> str:
    given = {
        "gateway": {
            "name": "gateway-1",
            "port": rig.site.gateway_port,
            "hls_folder": str(rig.site.data / "hls"),
            "secure_link_secret": SECURE_LINK_SECRET,
            "vid_secret": "vid",
            "any_origin": True,
        },
        "engine": {
            "host": "127.0.0.1",
            "rtmp_port": rig.site.rtmp_port,
            "engine_port": rig.site.engine_port,
            "pull_token": PULL_TOKEN,
            "segments": SEGMENTS,
        },
        **more,
    }
    return json.dumps(given)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class LightViewer(asyncio.BufferedProtocol):
    """Reads and forgets; counts bytes. All share one buffer."""

    shared = memoryview(bytearray(1 << 18))
    received = 0
    lost = 0

    def __init__(self, path: str, socket: bool) -> None:
        self._path, self._socket = path, socket
        self._transport: Any = None

    def say_that_we_live(self) -> None:
        """A pong nobody asked for: the gateway lets go of sockets that say nothing."""
        self._transport.write(b"\x8a\x80\x00\x00\x00\x00")
        asyncio.get_running_loop().call_later(10, self.say_that_we_live)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        lines = [f"GET {self._path} HTTP/1.1", "Host: bench"]
        if self._socket:
            lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
            lines += ["Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="]
            asyncio.get_running_loop().call_later(10, self.say_that_we_live)
        transport.write("\r\n".join([*lines, "", ""]).encode())

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.shared

    def buffer_updated(self, nbytes: int) -> None:
        LightViewer.received += nbytes

    def connection_lost(self, exc: Exception | None) -> None:
        LightViewer.lost += 1


async def crowd(port: int, count: int, path: str, socket: bool) -> None:
    """A process full of viewers; a line on standard input asks for its counts."""
    loop = asyncio.get_running_loop()
    for _ in range(count):
        await loop.create_connection(lambda: LightViewer(path, socket), "127.0.0.1", port)
    print("watching", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps({"received": LightViewer.received, "lost": LightViewer.lost}), flush=True)


async def arrivals_http(url: str, seconds: float) -> dict[bytes, float]:
    """Digest of each picture (its time is the gateway's own) -> when it arrived, through the door that viewers use."""
    import aiohttp

    parser, found = Parser(), {}
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        deadline = time.monotonic() + seconds
        async for chunk in answer.content.iter_any():
            now = time.time()
            note(parser, chunk, now, found)
            if time.monotonic() > deadline:
                break
    return found


async def arrivals_rtmp(url: str, seconds: float) -> dict[bytes, float]:
    """The same for a plain RTMP reader: ffmpeg's, which hands every packet on as it comes."""
    arguments = ["-loglevel", "error", "-fpsprobesize", "0", "-i", url, "-map", "0:v", "-c", "copy", "-copyts"]
    child = await asyncio.create_subprocess_exec(
        "ffmpeg", "-nostdin", *arguments, "-flush_packets", "1", "-f", "flv", "-", stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    parser, found = Parser(), {}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (chunk := await child.stdout.read(65536)):
        note(parser, chunk, time.time(), found)
    child.kill()
    await child.wait()
    return found


def note(parser: Parser, chunk: bytes, now: float, found: dict[bytes, float]) -> None:
    for tag in parser.feed(chunk):
        if kind_of(tag) in (Kind.KEY, Kind.VIDEO):
            size = int.from_bytes(tag[1:4], "big")
            found.setdefault(hashlib.sha1(tag[HEAD : 11 + size], usedforsecurity=False).digest(), now)


async def first_picture(url: str) -> float:
    """Seconds from connecting to the first keyframe in hand."""
    import aiohttp

    began, parser = time.monotonic(), Parser()
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        async for chunk in answer.content.iter_any():
            if any(kind_of(tag) is Kind.KEY for tag in parser.feed(chunk)):
                return time.monotonic() - began
    raise RuntimeError("the stream ended")


def measure(rig: Rig, gateway: subprocess.Popen[bytes], options: argparse.Namespace) -> None:
    url = f"{rig.http}/live/{STREAM}.flv"
    port = rig.site.http_port if options.proxied else rig.site.gateway_port
    first = [asyncio.run(first_picture(url))]
    first += [asyncio.run(first_picture(url)) for _ in range(9)]
    joined = f"then median {statistics.median(first[1:]):.3f} s, max {max(first[1:]):.3f} s"
    print(f"first picture: {first[0]:.3f} s for the first viewer, {joined}")

    async def both() -> list[float]:
        through, plain = await asyncio.gather(
            arrivals_http(url, 8), arrivals_rtmp(f"{rig.engine.loopback_url(stream=STREAM)}", 8)
        )
        # The group of pictures that came at once on joining was not live.
        common = sorted(set(through) & set(plain), key=lambda picture: through[picture])[25:]
        return [through[picture] - plain[picture] for picture in common]

    behind = sorted(asyncio.run(both()))
    median, late = statistics.median(behind) * 1000, behind[int(len(behind) * 0.95)] * 1000
    print(f"behind plain RTMP: median {median:.0f} ms, p95 {late:.0f} ms, of {len(behind)} pictures")

    crowds = []
    for _ in range(2):
        arguments = ["--crowd", str(options.viewers // 2), "--port", str(port)]
        arguments += ["--socket"] if options.socket else []
        crowds.append(started("tests.bench.gateway", *arguments))
    time.sleep(3)
    nginx = rig.nginx_worker
    copies = children_of(gateway.pid)
    watched = {"gateway": [gateway.pid], "its ffmpeg": copies, "nginx worker": [nginx]}
    rounds: dict[str, list[float]] = {name: [] for name in watched}
    rates = []
    for _ in range(options.rounds):
        before, began, bytes_before = (
            {name: sum(map(cpu_seconds, pids)) for name, pids in watched.items()},
            time.monotonic(),
            asked(crowds, "received"),
        )
        time.sleep(options.seconds)
        span = time.monotonic() - began
        for name, pids in watched.items():
            rounds[name].append((sum(map(cpu_seconds, pids)) - before[name]) / span * 100)
        rates.append((asked(crowds, "received") - bytes_before) * 8 / span / 1e6)
    way = f"{'WebSocket' if options.socket else 'HTTP'}, {'through nginx' if options.proxied else 'directly'}"
    print(f"{options.viewers} viewers ({way}), {statistics.median(rates):.1f} Mb/s, {asked(crowds, 'lost')} lost")
    for name, shares in rounds.items():
        print(f"  {name}: {statistics.median(shares):.1f} % of a core (from {min(shares):.1f} to {max(shares):.1f})")
    print(f"  gateway memory: {resident_mb(gateway.pid):.0f} MB")
    for child in crowds:
        child.kill()


def started(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A Python process that said it is ready."""
    child = subprocess.Popen([sys.executable, "-m", module, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline()
    return child


def asked(crowds: list[subprocess.Popen[bytes]], what: str) -> int:
    total = 0
    for child in crowds:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"\n")
        child.stdin.flush()
        total += json.loads(child.stdout.readline())[what]
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kbps", type=int, default=786, help="of the picture; the tone adds 64")
    parser.add_argument("--socket", action="store_true", help="WebSocket instead of HTTP")
    parser.add_argument("--direct", dest="proxied", action="store_false", help="past nginx")
    parser.add_argument("--profile", help="write a cProfile of the gateway there")
    parser.add_argument("--crowd", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.crowd:
        import uvloop

        uvloop.run(crowd(options.port, options.crowd, f"/live/{STREAM}.flv", options.socket))
        return
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder) / "clip.flv", size="640x360", seconds=30, kbps=options.kbps)
        rig = make_rig(Path(folder) / "data")
        gateway = None
        try:
            rig.start()
            rig.push(STREAM, clip)
            more = {"profile": options.profile} if options.profile else {}
            gateway = started("tests.media.gateway_process", gateway_arguments(rig, **more))
            measure(rig, gateway, options)
        finally:
            if gateway is not None:
                gateway.terminate()
                gateway.wait()
            rig.close()


if __name__ == "__main__":
    main()
