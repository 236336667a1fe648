"""What it costs to write windows over running streams:

    deploy/test --bench timeshift [--streams 4] [--seconds 20] [--kbps 2000]

A real nginx, so many pushes, a gateway with nobody watching: CPU of the gateway and of its copies as a share of a core for each stream,
with windows; and, against it, the same streams copied for one viewer by FLV each, without. Then the list of a day: its size and what it
takes.
Exit code 1 above 2 % of a core for each stream."""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import tempfile
import threading
import time
import zlib
from pathlib import Path

from streams.timeshift import playlist
from streams.timeshift.rules import Item
from tests.bench.jobs import cpu
from tests.media.conftest import RunningGateway, start_gateway
from tests.media.rig import Rig, free_port, make_clip, running_rig, wait_until

MOST_OF_A_CORE = 0.02
SETTLE_SECONDS = 5.0


def spent(gateway: RunningGateway, *, seconds: float) -> tuple[float, float]:
    """(the gateway's, its copies') CPU seconds per second."""
    time.sleep(SETTLE_SECONDS)
    copies = gateway.copies()
    began, own, theirs = time.monotonic(), cpu([gateway.process.pid]), cpu(copies)
    time.sleep(seconds)
    took = time.monotonic() - began
    return (cpu([gateway.process.pid]) - own) / took, (cpu(copies) - theirs) / took


def watch(gateway: RunningGateway, name: str) -> socket.socket:
    viewer = socket.create_connection(("127.0.0.1", gateway.port))
    viewer.sendall(f"GET /live/{name}.flv HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    return viewer


def run(rig: Rig, folder: Path, *, names: list[str], seconds: float, windows: bool) -> tuple[float, float]:
    folder.mkdir()
    gateway = start_gateway(rig, folder, port=free_port(), sweep_seconds=2.0)
    viewers = []
    try:
        for name in names:
            if windows:
                gateway.rule(name, shift={"seconds": 3600, "item_seconds": 5, "delay_seconds": 0, "since_ms": 0})
            else:
                viewers.append(watch(gateway, name))
        wait_until(lambda: len(gateway.copies()) == len(names), seconds=30, what="all copies")
        if not windows:
            # Somebody has to read.

            def read(one: socket.socket) -> None:
                while one.recv(1 << 16):
                    pass

            for one in viewers:
                threading.Thread(target=read, args=(one,), daemon=True).start()
        return spent(gateway, seconds=seconds)
    finally:
        gateway.process.kill()
        gateway.process.wait()
        for viewer in viewers:
            viewer.close()


def the_list() -> None:
    items = [
        Item(str(number // 720), number, number * 5000, 5000, 1, 1, 0, secrets.token_urlsafe(6))
        for number in range(17_280)
    ]
    folder = playlist.folder_address(stream="abcdefghijkl", secret="secret", now_seconds=1.79e9)
    began = time.process_time()
    plain = playlist.playlist(items, folder=folder, target_seconds=5).encode()
    made = time.process_time()
    packer = zlib.compressobj(level=6, wbits=31)
    packed = packer.compress(plain) + packer.flush()
    print(
        f"the list of a day, {len(items):,} items of 5 s: {len(plain):,} bytes, {len(packed):,} compressed, "
        f"made in {(made - began) * 1000:.0f} ms, compressed in {(time.process_time() - made) * 1000:.0f} ms of CPU"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--kbps", type=int, default=2000)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, running_rig(Path(place) / "rig") as rig:
        clip = make_clip(Path(place) / "clip.flv", size="640x360", kbps=told.kbps, keyframe_frames=50)
        names = [f"bench{number}" for number in range(told.streams)]
        for name in names:
            rig.push(name, clip)
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {told.streams} streams of {told.kbps} kb/s")
        shares = {}
        for what, windows in (("window, nobody watches", True), ("one viewer by FLV, no window", False)):
            folder = Path(place) / f"gateway{int(windows)}"
            own, copies = (
                one / told.streams for one in run(rig, folder, names=names, seconds=told.seconds, windows=windows)
            )
            shares[windows] = own + copies
            print(f"{what:30} of a core, each stream: gateway {own:.2%}, copy {copies:.2%}")
    the_list()
    return int(shares[True] > MOST_OF_A_CORE)


if __name__ == "__main__":
    raise SystemExit(main())
