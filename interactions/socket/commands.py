"""What a client may send: one JSON object a frame, told apart from everything else, and each refusal in words."""

from __future__ import annotations

from typing import Any

import orjson

from liveroom.kernel.errors import BadParameter, LiveRoomError, NotFound

ID_CHARACTERS = 256


class NotInRoom(NotFound):
    """10010: join first."""

    name = "not_in_room"


class BadCommand(LiveRoomError):
    """10011: a frame that is no command."""

    code, name = 10011, "bad_command"


def parsed(raw: str | bytes | None) -> dict[str, Any]:
    """A frame as a command. BadCommand."""
    try:
        command = orjson.loads(raw or b"")
    except orjson.JSONDecodeError as error:
        raise BadCommand(f"A frame holds one JSON object: {error}.") from None
    if not isinstance(command, dict):
        raise BadCommand("A frame holds one JSON object.")
    command_id = command.get("id")
    if command_id is not None and (
        not isinstance(command_id, int | str) or (isinstance(command_id, str) and len(command_id) > ID_CHARACTERS)
    ):
        command.pop("id")
        raise BadCommand(f"id is a number, or a text of at most {ID_CHARACTERS} characters.")
    return command


def answer(command_id: Any, body: dict[str, Any]) -> bytes:
    return orjson.dumps({"id": command_id, "ok": True, **body})


def refusal(command_id: Any, error: LiveRoomError) -> bytes:
    said = {"code": error.code, "name": error.name, "message": error.message, **error.extra}
    return orjson.dumps({"id": command_id, "ok": False, "error": said})


def failed(*, away: bool) -> LiveRoomError:
    """What a client hears of something that is not its fault."""
    if away:
        error = LiveRoomError("A part of the service is away for a moment; try again.", retry_after_ms=1000)
        error.code, error.name = 10002, "unavailable"
        return error
    error = LiveRoomError("Something failed here; it has been logged.")
    error.code, error.name = 10002, "internal"
    return error


def since_of(value: Any) -> tuple[str, int] | None:
    """`{epoch, seq}` of the last event that the client saw."""
    if value is None:
        return None
    if (
        isinstance(value, dict)
        and isinstance(value.get("epoch"), str)
        and type(value.get("seq")) is int
        and value["seq"] >= 0
    ):
        return value["epoch"], value["seq"]
    raise BadParameter('since is {"epoch": text, "seq": whole number from 0}.', field="since")


def flag(command: dict[str, Any], name: str) -> bool:
    value = command.get(name, False)
    if not isinstance(value, bool):
        raise BadParameter(f"{name} is true or false.", field=name)
    return value
