"""A frame as a command, and an answer as a frame.

A frame is decoded once, into the class that its `type` names. Only what does not fit is looked at again, field by field, for a refusal in
words of ours."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple, Union, get_type_hints

import msgspec
import orjson

from interactions import commands
from interactions.commands import ID_CHARACTERS, Answer, Command, Handler, Id, Refusal
from liveroom.kernel.errors import BadParameter, LiveRoomError


class BadCommand(LiveRoomError):
    """10011: a frame that is no command."""

    code, name = 10011, "bad_command"


class Envelope(msgspec.Struct, gc=False):
    """What a frame says of itself, whatever its other fields are."""

    type: str
    id: Id = None
    room: Any = None


class Misread(NamedTuple):
    """A frame that is no command, or one with a field that is wrong. `handler`: of the command that it names; None: it names none."""

    id: Id
    handler: Handler | None
    room: Any
    error: LiveRoomError


_ENVELOPE: Final = msgspec.json.Decoder(Envelope)


@cache
def table() -> dict[str, Handler]:
    """As it is when the first frame comes: Django is ready."""
    return commands.handlers()


@cache
def _decoder() -> msgspec.json.Decoder[Command]:
    kinds: Any = Union[tuple(handler.kind for handler in table().values())]  # noqa: UP007 - of as many as there are
    return msgspec.json.Decoder(kinds)


def decoded(raw: str | bytes | None) -> Command | Misread:
    """A frame as a command, in one step; only what does not fit is looked at again."""
    try:
        command = _decoder().decode(raw or b"")
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _misread(raw)
    return command if _is_id(command.id) else _misread(raw)


def envelope(raw: bytes) -> Envelope | None:
    """A frame, and nothing of it but what is needed to refuse it; None: it has to be read whole."""
    try:
        found = _ENVELOPE.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return found if _is_id(found.id) else None


def _is_id(value: Id) -> bool:
    """Whole numbers are of 64 bits, with or without a sign."""
    return type(value) is not int or -(2**63) <= value < 2**64


def _misread(raw: str | bytes | None) -> Misread:
    """Why a frame is no command."""
    try:
        given = orjson.loads(raw or b"")
    except orjson.JSONDecodeError as error:
        return Misread(None, None, None, BadCommand(f"A frame holds one JSON object: {error}."))
    if not isinstance(given, dict):
        return Misread(None, None, None, BadCommand("A frame holds one JSON object."))
    command_id = given.get("id")
    if not (command_id is None or isinstance(command_id, int | str)) or (
        isinstance(command_id, str) and len(command_id) > ID_CHARACTERS
    ):
        wanted = BadCommand(f"id is a number, or a text of at most {ID_CHARACTERS} characters.")
        return Misread(None, None, None, wanted)
    kind = given.get("type")
    handler = table().get(kind) if isinstance(kind, str) else None
    if handler is None:
        known = ", ".join(sorted(table()))
        return Misread(
            command_id, None, None, BadCommand(f"There is no command {str(kind)[:40]!r}; there are {known}.")
        )
    return Misread(command_id, handler, given.get("room"), _fault(handler.kind, given))


def _fault(kind: type[Command], given: dict[str, Any]) -> LiveRoomError:
    """The first field that is not what the class says, in words."""
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        try:
            if name in given:
                msgspec.convert(given[name], field.type)
            elif field.required:
                raise msgspec.ValidationError
        except (msgspec.ValidationError, RecursionError):
            return _refusal(name, hints[field.name], given.get(name), missing=name not in given)
    return BadCommand("A frame holds one JSON object: this one cannot be read, it may be nested too deep.")


def _refusal(name: str, hint: Any, value: Any, *, missing: bool) -> LiveRoomError:
    for said in getattr(hint, "__metadata__", ()):
        if isinstance(said, Refusal):
            try:
                said.by(value)
            except LiveRoomError as error:
                return error
    if missing:
        return BadParameter(f"{name} is needed.", field=name)
    if (plain := _plain(hint)) is str:
        return BadParameter(f"{name} must be text, not {type(value).__name__}.", field=name)
    return BadParameter(f"{name} is {_WORDS.get(plain, 'of another kind')}.", field=name)


_WORDS: Final = {bool: "true or false", int: "a whole number", list: "a list"}


def _plain(hint: Any) -> Any:
    """The type without what stands beside it: of `Annotated[str, …] | None`, `str`."""
    hint = getattr(hint, "__origin__", hint) if hasattr(hint, "__metadata__") else hint
    kinds = [one for one in getattr(hint, "__args__", ()) if one is not type(None)]
    if getattr(hint, "__origin__", None) is list:
        return list
    return _plain(kinds[0]) if kinds else hint


# -- from an answer to a frame


def answer(command_id: Id, body: Answer) -> bytes:
    return orjson.dumps({"id": command_id, "ok": True, **body})


def refusal(command_id: Id, error: LiveRoomError) -> bytes:
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
