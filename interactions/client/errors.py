"""What can go wrong with a place in a room. `name` and `code` are the server's (PROTOCOL.md, sections 6 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RoomError(Exception):
    """`retry_after_ms` is 0 where waiting does not help; `more` is whatever else the server said."""

    def __init__(self, message: str, *, code: int = 0, name: str = "error", **more: Any) -> None:
        super().__init__(message or name)
        self.message, self.code, self.name = message or name, code, name
        self.retry_after_ms = int(more.get("retry_after_ms") or 0)
        self.more = more


class CommandRefused(RoomError):
    """The server answered a command with an error; the connection stands."""


class Refused(RoomError):
    """The room lets us not in, or not in again (close codes 4100 to 4199): the client has stopped."""


class Offline(RoomError):
    """There is no connection now, or it broke before the answer: nobody knows whether the command was done."""

    def __init__(self, message: str = "There is no connection at the moment.") -> None:
        super().__init__(message, name="offline")


def said(kind: type[RoomError], error: Mapping[str, Any]) -> RoomError:
    """An error of that kind from the body that the server sent."""
    known = {"code": error.get("code", 0), "name": error.get("name", "error")}
    rest = {key: value for key, value in error.items() if key not in ("code", "name", "message")}
    return kind(str(error.get("message", "")), **known, **rest)
