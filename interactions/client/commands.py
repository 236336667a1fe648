"""Commands of one client that wait for their answers: each has a number, which its answer carries.

Promise: nothing is sent twice. A command whose connection is lost ends as Offline: nobody knows whether it was done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from interactions.client.errors import CommandRefused, Offline, said

ANSWER_SECONDS = 10.0


class Commands:
    """Of one client, over all its connections: numbers never come again."""

    def __init__(self) -> None:
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def put(
        self, line: ClientConnection, type: str, fields: Mapping[str, Any]
    ) -> tuple[int, asyncio.Future[dict[str, Any]]]:
        """Send one; its number, and the answer to come. ConnectionClosed."""
        self._number += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self._number] = answer
        number = self._number
        await line.send(json.dumps({**fields, "id": number, "type": type}))
        return number, answer

    async def ask(self, line: ClientConnection, type: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Send one and wait for the answer. CommandRefused, Offline."""
        number = 0
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                number, answer = await self.put(line, type, fields)
                return await answer
        except TimeoutError:
            raise Offline("The server did not answer.") from None
        except ConnectionClosed:
            raise Offline("The connection was lost.") from None
        finally:
            self._answers.pop(number, None)

    def answered(self, frame: dict[str, Any]) -> None:
        """A frame with `ok`. What nobody waits for any more is left out."""
        waiting = self._answers.pop(frame.get("id") or 0, None)
        if waiting is not None and not waiting.done():
            if frame["ok"]:
                waiting.set_result(frame)
            else:
                waiting.set_exception(said(CommandRefused, frame.get("error") or {}))

    def lost(self) -> None:
        """The connection ended: no answer comes any more."""
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(Offline("The connection was lost."))
                waiting.exception()  # whoever waits for it hears it; a join that nobody waits for is no news
        self._answers.clear()
