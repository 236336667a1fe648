"""When everything serves, and how that is told: ready.json for programs, a few lines for people."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.embedded.lock import is_held

READY_WITHIN_SECONDS = 120
ASK_AGAIN_SECONDS = 0.05
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class NotReady(Exception):
    """The text says what still did not answer."""


async def until_serves(*, bind: str, http_port: int, ports: Sequence[tuple[str, str, int]]) -> None:
    """Returns when every (what, address, port) accepts and /readyz answers 200 through nginx. Raises NotReady.

    The ports come first: asking nginx for what is not there yet only fills its log."""
    answer = ""
    try:
        async with asyncio.timeout(READY_WITHIN_SECONDS):
            for what, where, port in ports:
                answer = f"{what} on port {port} does not answer"
                while not await _accepts(ANYWHERE.get(where, where), port):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(ASK_AGAIN_SECONDS)
            while not answer.startswith("200"):
                answer = await _readyz(ANYWHERE.get(bind, bind), http_port)
                await asyncio.sleep(ASK_AGAIN_SECONDS)
    except TimeoutError:
        raise NotReady(f"Not ready after {READY_WITHIN_SECONDS} s: {answer}") from None


async def _readyz(address: str, port: int) -> str:
    """Code and body of the answer in one line, or what went wrong."""
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.write(b"GET /readyz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                head, _, body = (await reader.read(65536)).decode(errors="replace").partition("\r\n\r\n")
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        return f"/readyz: {error or type(error).__name__}"
    code = head.split(" ", 2)[1] if head.count(" ") >= 2 else "no"
    return f"{code} from /readyz {body.strip()[:500]}"


async def _accepts(address: str, port: int) -> bool:
    try:
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def ready_document(*, http: str, ws: str, rtmp: str, prepared: Path) -> dict[str, Any]:
    """What ready.json says: addresses from here; app, admin and demo from what `prepare` wrote."""
    return {"http": http, "ws": ws, "rtmp": rtmp, **json.loads(prepared.read_text())}


def running_document(data: Path) -> dict[str, Any]:
    """The ready.json of the copy that runs on this data folder. Raises NotReady."""
    file = data / "ready.json"
    try:
        document: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        raise NotReady(
            f"No copy is ready on the data folder {data}: there is no ready.json. Start one with deploy/up, "
            "or name its folder in LIVEROOM_DATA."
        ) from None
    except PermissionError:
        raise NotReady(f"{file} is private: ask as the user who started the copy, or as root.") from None
    except (OSError, ValueError) as error:
        raise NotReady(f"{file} cannot be read: {error}") from None
    if not is_held(data / "run" / "up.lock"):
        raise NotReady(
            f"No copy runs on the data folder {data} any more; the last one was killed. Start it with deploy/up."
        )
    return document


def told_to_people(document: Mapping[str, Any], *, first: str, data: Path) -> str:
    """The same as ready.json, shorter; parts that a production copy does not have are left out. `first`: the line above it."""
    demo, admin = document.get("demo") or {}, document.get("admin") or {}
    rows = [
        ("on air", f"{document['http']}/"),
        ("watch", demo.get("page")),
        ("OBS server", demo.get("obs_server")),
        ("OBS stream key", demo.get("obs_stream_key")),
        ("admin", admin.get("url") or f"{document['http']}/admin/"),
        ("  user", admin.get("username")),
        ("  password", admin.get("password")),
        ("  streamer", _login(demo, "streamer")),
        ("  moderator", _login(demo, "moderator")),
        ("API", f"{document['http']}/api/docs/"),
        ("all of it", str(data / "ready.json")),
    ]
    lines = [f"  {name:<15} {value}" for name, value in rows if value]
    rule = "─" * 78
    return "\n".join(["", rule, f"  {first}", "", *lines, rule, ""])


def _login(demo: Mapping[str, Any], who: str) -> str | None:
    password = demo.get(f"{who}_password")
    return f"{demo.get(who)} / {password}" if password else None
