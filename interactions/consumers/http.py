"""What a socket port answers to plain HTTP: that it lives, and where the rest is."""

from __future__ import annotations

from typing import Any


async def nothing_here(scope: dict[str, Any], receive: Any, send: Any) -> None:
    alive = scope["path"] == "/livez"
    body = b"ok\n" if alive else b"This port serves WebSockets at /ws/v1.\n"
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200 if alive else 426, "headers": headers})
    await send({"type": "http.response.body", "body": body})
