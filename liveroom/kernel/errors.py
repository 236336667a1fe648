"""Refusals. Each has a code (contracts/chat.md where one exists), a name for programs and a sentence for people.

A subclass stands beside whoever raises it; a door turns it into its own shape exactly once."""

from __future__ import annotations

from typing import Any


class LiveRoomError(Exception):
    """A refusal that the caller can do something about. `extra` travels to the client beside the code."""

    code: int = 10004
    name: str = "bad_request"
    status: int = 400

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extra = extra


PROBLEM = "application/problem+json"


def problem_body(*, status: int, code: int, name: str, detail: str, **extra: Any) -> dict[str, Any]:
    """A refusal as RFC 9457 has it, with our code and name: the same at every HTTP door."""
    return {
        "type": f"urn:liveroom:error:{name}",
        "title": name.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "name": name,
        **extra,
    }


def told(error: LiveRoomError) -> tuple[dict[str, Any], dict[str, str]]:
    """Body and headers of the answer to a refused request."""
    body = problem_body(status=error.status, code=error.code, name=error.name, detail=error.message, **error.extra)
    wait = error.extra.get("retry_after_ms")
    return body, {} if wait is None else {"Retry-After": str(-(-int(wait) // 1000))}


class BadParameter(LiveRoomError):
    """A field that cannot be accepted; `field` names it. 10004."""

    code, name, status = 10004, "bad_parameter", 400

    def __init__(self, message: str, *, field: str, **extra: Any) -> None:
        super().__init__(message, field=field, **extra)


class NotPermitted(LiveRoomError):
    """The actor may not do this here. 10007."""

    code, name, status = 10007, "not_permitted", 403


class NotFound(LiveRoomError):
    """Nothing of that name that the actor may know of. 10010."""

    code, name, status = 10010, "not_found", 404


class Conflict(LiveRoomError):
    """Somebody else was faster, or the same key came with another body. 10056."""

    code, name, status = 10056, "conflict", 409


class TryLater(LiveRoomError):
    """A part that is needed is away for a moment; nothing was done. 10002."""

    code, name, status = 10002, "unavailable", 503
