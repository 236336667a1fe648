"""What roles and scopes allow. The other voters (mutes, bans, forbidden streams) stand in the apps that know them."""

from __future__ import annotations

from liveroom.kernel import permission
from liveroom.kernel.errors import LiveRoomError, NotPermitted
from liveroom.kernel.permission import Question, Voter, needs_no_room


class LogInFirst(LiveRoomError):
    """Guests may look and not speak (P4)."""

    code, name, status = 70002, "log_in_first", 401

    def __init__(self) -> None:
        super().__init__("Log in first: guests may watch and cannot do this.")


@needs_no_room
def authenticated(question: Question) -> LiveRoomError | None:
    return LogInFirst() if question.actor.kind == permission.GUEST else None


def roles(*allowed: str) -> Voter:
    """Only these roles in the room."""

    def vote(question: Question) -> LiveRoomError | None:
        if question.role in allowed:
            return None
        if question.actor.kind == permission.GUEST:
            return LogInFirst()
        return NotPermitted(
            f"Only {' and '.join(f'the {role}' for role in allowed)} of the room may do this; you are {question.role}.",
            action=question.action,
        )

    return vote


def scope(name: str) -> Voter:
    """An API key needs this scope; other actors are not concerned."""

    @needs_no_room
    def vote(question: Question) -> LiveRoomError | None:
        if question.actor.kind == permission.SERVER and name not in question.actor.scopes:
            return NotPermitted(f"This API key lacks the scope {name!r}.", action=question.action, scope=name)
        return None

    return vote


@needs_no_room
def same_app(question: Question) -> LiveRoomError | None:
    """Nobody acts on a room of another app; staff belong to all."""
    actor = question.actor
    if actor.kind == permission.GUEST:
        return LogInFirst()
    if question.room is None or actor.kind == permission.STAFF or actor.app_id == question.room.app_id:
        return None
    return NotPermitted("This room belongs to another app.", action=question.action)


def for_the_app(question: Question) -> LiveRoomError | None:
    """Servers, app admins and staff."""
    if question.actor.acts_for_app:
        return None
    return NotPermitted("Only the app's server or its admins may do this.", action=question.action)


def staff(question: Question) -> LiveRoomError | None:
    """Who runs the deployment."""
    if question.actor.kind == permission.STAFF:
        return None
    return NotPermitted("Only staff of the deployment may do this.", action=question.action)
