"""What a socket port answers to plain HTTP: that it lives, whether it takes viewers, a room's events, and where the rest is."""

from __future__ import annotations

from typing import Any

from interactions.socket.listening import listening
from liveroom.kernel.work import process


async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if listening.PATH.match(scope["path"]):
        await listening.serve(scope, receive, send)
        return
    status, body = _answer(scope["path"])
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _answer(path: str) -> tuple[int, bytes]:
    if path == "/livez":
        return 200, b"ok\n"
    if path == "/readyz":
        return (503, b"draining\n") if process.draining.is_set() else (200, b"ok\n")
    return 426, b"This port serves WebSockets at /ws/v1.\n"
