"""From a frame to its answer: decode it, ask whether that may be done, call the feature's function, answer exactly once.

An answer that takes its time (a comment's comes with its tick) holds up no other command of the socket, but for `join`."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any, NoReturn, cast

import redis
from django.db import OperationalError

from interactions.commands import HANDLERS, Answer, Command, Entry, Handler, Id, RoomCommand, Served
from interactions.socket import frames
from interactions.socket.frames import Misread
from interactions.socket.session import Session
from liveroom.kernel.errors import LiveRoomError

log = logging.getLogger(__name__)


async def serve(session: Session, raw: str | bytes | None) -> None:
    """One frame that a client sent."""
    socket = session.socket
    command_id: Id = None
    try:
        command = frames.decoded(raw)
        command_id = command.id
        if isinstance(command, Misread):
            _refuse_misread(session, command)
        handler = HANDLERS[type(command)]
        doing = _begin(session, handler, command)
        if isinstance(doing, dict):
            socket.say(frames.answer(command_id, doing))
        elif handler.in_turn:
            socket.say(frames.answer(command_id, await doing))
        else:
            socket.under_way += 1
            asyncio.ensure_future(doing).add_done_callback(partial(_answer, session, command_id))
    except Exception as error:
        _refuse(session, command_id, error)
    session.open_seat()
    if wait := session.limits.command(session.allowance):
        socket.rest(wait)


def refuses(session: Session, payload: bytes) -> bool:
    """Called with each frame before it is queued: whether this was a command that no guest may send, and is answered by now.

    Without the queue and the task that others need, a flood of them costs less. Only once everything that came earlier is served."""
    if not session.is_guest or session.socket.dismissed:
        return False
    found = frames.envelope(payload)
    handler = None if found is None else frames.table().get(found.type)
    if found is None or handler is None or not handler.asks:
        return False
    try:
        _may(session, handler, found.room)
        return False
    except LiveRoomError as refusal:
        _refuse(session, found.id, refusal)
    if wait := session.limits.command(session.allowance):
        session.socket.rest(wait)
    return True


def _begin(session: Session, handler: Handler, command: Command) -> Served:
    room = command.room if isinstance(command, RoomCommand) else None
    entry = _may(session, handler, room)
    if handler.threads is not None:
        handler.threads.refuse_if_full()
    if handler.limit is not None:
        session.limits.ask(handler.limit, person=session.limited(), source=session.source)
    if entry is None:
        return cast("Served", handler.serve(session, command))
    if handler.threads is not None:
        return handler.threads.run(handler.serve, session, entry, command)
    return cast("Served", handler.serve(session, entry, command))


def _may(session: Session, handler: Handler, room: Any) -> Entry | None:
    """By what this socket knows, before anything that costs. NotInRoom, and what `permission.ask` refuses."""
    if handler.in_room:
        entry = session.in_room(room)
        if handler.asks:
            session.ask(handler.asks, entry)
        return entry
    if handler.asks and not session.visitor.actor.is_authenticated:
        session.ask(handler.asks, None)
    return None


def _refuse_misread(session: Session, misread: Misread) -> NoReturn:
    """Who may not do it at all hears that first."""
    if misread.handler is not None:
        _may(session, misread.handler, misread.room)
    raise misread.error


def _answer(session: Session, command_id: Id, done: asyncio.Future[Answer]) -> None:
    session.socket.under_way -= 1
    if done.cancelled() or session.socket.dismissed:
        return
    error = done.exception()
    if error is None:
        session.socket.say(frames.answer(command_id, done.result()))
    else:
        _refuse(session, command_id, error)


def _refuse(session: Session, command_id: Id, error: BaseException) -> None:
    if not isinstance(error, LiveRoomError):
        away = isinstance(error, redis.RedisError | OperationalError | OSError)
        if away:
            log.warning("%s while a command was served", type(error).__name__)
        else:
            log.error("A command failed.", exc_info=error)
        error = frames.failed(away=away)
    session.socket.say(frames.refusal(command_id, error))
