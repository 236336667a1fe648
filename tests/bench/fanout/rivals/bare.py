"""Daphne that accepts sockets and does nothing else: `python bare.py <port>`. What a connection costs before it is anybody's."""

from __future__ import annotations

import sys
from typing import Any

from daphne.server import Server


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "websocket":
        return
    while (event := await receive())["type"] != "websocket.disconnect":
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})


# Its own backlog of 50 would leave connections of the storm unopened.
Server(application, endpoints=[f"tcp:{sys.argv[1]}:interface=127.0.0.1:backlog=4096"], verbosity=0).run()
