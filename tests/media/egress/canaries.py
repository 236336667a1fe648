"""What must never be touched, and tells if it is: TCP, UDP and Unix listeners on loopback, and a file that the kernel watches for us."""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

SECRET = "the-canary-sings"
_IN_OPEN, _IN_ACCESS = 0x20, 0x1
_EVENT_BYTES = 16


@dataclass
class Canaries:
    """`touched`: who came, and what it said first. Ports: `http`, `redis`, `rtmp` by TCP, `udp`."""

    http: int
    redis: int
    rtmp: int
    udp: int
    unix: Path
    file: Path
    watch: int
    touched: list[str] = field(default_factory=list)

    @property
    def names(self) -> dict[str, str]:
        return {
            "http": str(self.http),
            "redis": str(self.redis),
            "rtmp": str(self.rtmp),
            "udp": str(self.udp),
            "unix": str(self.unix),
            "file": str(self.file),
        }

    def look(self) -> list[str]:
        """What was touched so far; forgotten then."""
        try:
            events = os.read(self.watch, 65536)
        except BlockingIOError:
            events = b""
        if events:
            self.touched.append(f"file: {len(events) // _EVENT_BYTES} events")
        found, self.touched = self.touched, []
        return found


def _watched(path: Path) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    assert watch >= 0
    assert libc.inotify_add_watch(watch, str(path).encode(), _IN_OPEN | _IN_ACCESS) >= 0
    return int(watch)


@asynccontextmanager
async def canaries(folder: Path) -> AsyncIterator[Canaries]:
    loop = asyncio.get_running_loop()
    file = folder / "canary.txt"
    # A playlist and a key in one, so that whoever reads it goes on.
    file.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{SECRET}.ts\n#EXT-X-ENDLIST\n")
    unix = folder / "canary.sock"
    servers: list[asyncio.Server] = []
    there = Canaries(http=0, redis=0, rtmp=0, udp=0, unix=unix, file=file, watch=_watched(file))

    def heard(name: str):
        async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                said = await asyncio.wait_for(reader.read(200), 0.3)
            except TimeoutError:
                said = b""
            there.touched.append(f"{name}: {said!r}")
            writer.close()

        return hear

    for name in ("http", "redis", "rtmp"):
        # All of 127.0.0.0/8 and ::1; the outside of the tests is one address of it, at another port.
        listener = socket.socket(socket.AF_INET6)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::", 0))
        setattr(there, name, listener.getsockname()[1])
        servers.append(await asyncio.start_server(heard(name), sock=listener))
    servers.append(await asyncio.start_unix_server(heard("unix"), path=unix))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setblocking(False)
    udp.bind(("127.0.0.1", 0))
    there.udp = udp.getsockname()[1]
    loop.add_reader(udp, lambda: there.touched.append(f"udp: {udp.recv(2000)[:40]!r}"))
    try:
        yield there
    finally:
        loop.remove_reader(udp)
        udp.close()
        for server in servers:
            server.close()
        os.close(there.watch)
