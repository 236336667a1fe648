"""A small RTSP server: one MPEG-TS file as RTP, interleaved on the connection (RFC 2326, 10.12; RFC 2250)."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

_SDP = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:rtsp://{host}/x/track1\r\n"
_PACKETS = 7


@dataclass
class Rtsp:
    port: int = 0
    asked: list[str] = field(default_factory=list)
    logins: set[str] = field(default_factory=set)


@asynccontextmanager
async def rtsp_server(address: str, film: Path, *, login: str = "") -> AsyncIterator[Rtsp]:
    """`login`: what has to be behind `Authorization: Basic `."""
    there = Rtsp()
    data = film.read_bytes()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = dict(line.partition(": ")[::2] for line in head.split("\r\n")[1:])
                there.asked.append(head.partition("\r\n")[0])
                there.logins.add(lines.get("Authorization", ""))
                if login and lines.get("Authorization") != f"Basic {login}":
                    writer.write(
                        f'RTSP/1.0 401 No\r\nCSeq: {lines["CSeq"]}\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n'.encode()
                    )
                    continue
                body = _SDP.format(host=f"{address}:{there.port}") if head.startswith("DESCRIBE") else ""
                more = ""
                if head.startswith("SETUP"):
                    more = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 7\r\n"
                elif head.startswith("OPTIONS"):
                    more = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
                elif body:
                    more = f"Content-Base: rtsp://{address}:{there.port}/x/\r\nContent-Type: application/sdp\r\n"
                length = f"Content-Length: {len(body)}\r\n" if body else ""
                writer.write(f"RTSP/1.0 200 OK\r\nCSeq: {lines['CSeq']}\r\n{more}{length}\r\n{body}".encode())
                if head.startswith("PLAY"):
                    await _play(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _play(writer: asyncio.StreamWriter) -> None:
        size = 188 * _PACKETS
        for number, at in enumerate(range(0, len(data), size)):
            part = data[at : at + size]
            packet = struct.pack("!BBHII", 0x80, 33, number & 0xFFFF, number * 900, 1) + part
            writer.write(b"$\x00" + struct.pack("!H", len(packet)) + packet)
            await writer.drain()
        await asyncio.sleep(0.5)
        raise ConnectionError

    server = await asyncio.start_server(talk, address, 0)
    there.port = server.sockets[0].getsockname()[1]
    try:
        yield there
    finally:
        server.close()
