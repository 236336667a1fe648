"""The internet of these tests: one address of loopback that is let in by name, with servers that say whatever a test wants."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from streams.egress.guard import Guard
from streams.egress.rules import Own, allowed
from streams.jobs.kinds import Launch, Reach

ADDRESS = "127.9.9.9"
NAMES: dict[str, list[str]] = {
    "outside.example": [ADDRESS],
    "inside.example": ["127.0.0.1"],
    "localhost": ["127.0.0.1"],
    "six.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "mixed.example": [ADDRESS, "127.0.0.1"],
    "zone.example": ["fe80::1%lo"],
    "unspecified.example": ["0.0.0.0"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "nonsense.example": ["0x7f.1"],
    "private.example": ["10.0.0.1"],
    "metadata.example": ["169.254.169.254"],
}


@dataclass(frozen=True)
class Doc:
    """What is answered at a path."""

    body: bytes = b""
    kind: str = "application/octet-stream"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Outside:
    """`docs`: by path. `asked`: paths, in order."""

    port: int
    docs: dict[str, Doc] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.port}"


@asynccontextmanager
async def outside(*, port: int = 0, keep_alive: bool = True) -> AsyncIterator[Outside]:
    there = Outside(port=port)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        there.asked.append(path)
        doc = there.docs.get(path, Doc(status=404))
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        if part and doc.status == 200:
            first, last = int(part[1]), int(part[2] or len(doc.body) - 1)
            body = doc.body[first : last + 1]
            headers = [*doc.headers, ("Content-Range", f"bytes {first}-{first + len(body) - 1}/{len(doc.body)}")]
            response = web.Response(body=body, status=206, headers=headers)
        else:
            response = web.Response(body=doc.body, status=doc.status, headers=list(doc.headers))
        response.content_type = doc.kind
        if not keep_alive:
            response.force_close()
        return response

    handling = web.Server(answer, access_log=None)
    server = await asyncio.get_running_loop().create_server(handling, ADDRESS, port)
    there.port = server.sockets[0].getsockname()[1]
    try:
        yield there
    finally:
        server.close()
        await handling.shutdown(0.1)


async def look_up(host: str, port: int) -> Sequence[str]:
    if host not in NAMES:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return NAMES[host]


def guard(**changes) -> Guard:
    return Guard(**{"allow": allowed([ADDRESS]), "own": Own(), "look_up": look_up, **changes})


@dataclass(frozen=True)
class Ran:
    code: int | None
    output: str
    errors: str
    words: Sequence[str]
    bytes_in: int
    bytes_out: int


async def run_child(
    there: Guard, arguments: Sequence[str], *reach: Reach, owner: str = "job", seconds: float = 20.0
) -> Ran:
    """A child as the supervisor starts it. Past its time it is killed and has no code."""
    found, more = await there.open(Launch(arguments=arguments, reach=reach), owner=owner)
    child = await asyncio.create_subprocess_exec(
        *found,
        env={**os.environ, **more},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    talk = asyncio.create_task(child.communicate())
    done, _ = await asyncio.wait([talk], timeout=seconds)
    if not done:
        child.kill()
    out, errors = await talk
    carried = there.carried(owner=owner)
    words = await there.close(owner=owner)
    return Ran(
        code=child.returncode if done else None,
        output=out.decode("utf-8", "replace"),
        errors=errors.decode("utf-8", "replace"),
        words=words,
        bytes_in=carried.bytes_in,
        bytes_out=carried.bytes_out,
    )


def pull(url: str, *more: str) -> tuple[list[str], Reach]:
    """Read it to its end and count."""
    words = [
        "ffmpeg",
        "-nostdin",
        "-hide_banner",
        "-v",
        "error",
        "-i",
        "SOURCE",
        "-c",
        "copy",
        "-f",
        "null",
        "-progress",
        "pipe:1",
    ]
    return [*words, *more, "-"], Reach(url=url, placeholder="SOURCE")


def out_seconds(ran: Ran) -> float:
    found = [line.partition("=")[2] for line in ran.output.splitlines() if line.startswith("out_time_us=")]
    return int(found[-1]) / 1_000_000 if found and found[-1].lstrip("-").isdigit() else 0.0
