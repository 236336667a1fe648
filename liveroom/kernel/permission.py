"""One question for every right: `ask(action, actor, room)`.

`liveroom/wiring.py` lists the voters per action, each in the app that knows the answer. The first refusal counts; an action
without voters is refused, so that a forgotten row locks a door instead of leaving it open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from liveroom.kernel.errors import LiveRoomError, NotPermitted

PERSON, SERVER, GUEST, STAFF = "person", "server", "guest", "staff"
OWNER, ADMIN, MEMBER = "owner", "admin", "member"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `person_id` is set for people and for console logins that belong to one; `scopes` for servers only,
    `traces` (the device and address, kernel/web/devices.py) for guests only."""

    kind: str
    app_id: int | None = None
    sdkappid: int | None = None
    person_id: int | None = None
    identifier: str = ""
    app_admin: bool = False
    scopes: frozenset[str] = field(default_factory=frozenset)
    label: str = ""
    traces: frozenset[str] = frozenset()

    @property
    def is_authenticated(self) -> bool:
        return self.kind != GUEST

    @property
    def is_active(self) -> bool:
        return True

    @property
    def acts_for_app(self) -> bool:
        """Servers and app admins act for the whole app; staff for every app."""
        return self.kind in (SERVER, STAFF) or self.app_admin

    def __str__(self) -> str:
        return self.label or self.identifier or self.kind


def anonymous(traces: frozenset[str] = frozenset()) -> Actor:
    return Actor(kind=GUEST, traces=traces)


@dataclass(frozen=True, slots=True)
class Question:
    """What the voters see. `role` is the actor's role in the room, found once by the asker (None: outside any room).

    `standing`: what the asker knows of mutes and bans; None: the voters look for themselves. `now_ms`: None, the clock's."""

    action: str
    actor: Actor
    room: Any = None
    role: str | None = None
    standing: Any = None
    now_ms: int | None = None


Voter = Callable[[Question], LiveRoomError | None]
_NEEDS_NO_ROOM = "needs_no_room"


def needs_no_room(voter: Voter) -> Voter:
    """For voters that can be asked before the room is looked for: they refuse guests, and keys without a scope.

    Those that tell one user from another wait for the room: a room of another app is unknown (404), and not forbidden."""
    setattr(voter, _NEEDS_NO_ROOM, True)
    return voter


@dataclass(slots=True)
class _Table:
    voters: Mapping[str, Sequence[Voter]] = field(default_factory=dict)
    role_of: Callable[[Actor, Any], str] | None = None
    excluded: Callable[[Any], frozenset[str]] | None = None


_table = _Table()


def install(
    *,
    voters: Mapping[str, Sequence[Voter]],
    role_of: Callable[[Actor, Any], str],
    excluded: Callable[[Any], frozenset[str]] | None = None,
) -> None:
    """Called once by the roof when Django is ready."""
    _table.voters = voters
    _table.role_of = role_of
    _table.excluded = excluded


def excluded_from(room: Any) -> frozenset[str]:
    """The user ids of everybody who may not be in a room now: one question for many, where `ask` would be one for each."""
    return frozenset() if _table.excluded is None else _table.excluded(room)


def ask(
    action: str,
    *,
    actor: Actor,
    room: Any = None,
    role: str | None = None,
    standing: Any = None,
    now_ms: int | None = None,
) -> None:
    """Return if allowed, else raise the first refusal.

    The hot lane passes the `role` and the `standing` (moderation.rules.verdict) that it learnt at join: no database."""
    voters = _table.voters.get(action)
    if not voters:
        raise NotPermitted(f"Nobody may {action!r}.", action=action)
    if role is None and room is not None and _table.role_of is not None:
        role = _table.role_of(actor, room)
    question = Question(action=action, actor=actor, room=room, role=role, standing=standing, now_ms=now_ms)
    for voter in voters:
        refusal = voter(question)
        if refusal is not None:
            raise refusal


def ask_before_room(action: str, *, actor: Actor) -> None:
    """What can be said without the room: refuse who may do this nowhere. The whole question is still to be asked."""
    voters = _table.voters.get(action)
    if not voters:
        raise NotPermitted(f"Nobody may {action!r}.", action=action)
    question = Question(action=action, actor=actor)
    for voter in voters:
        refusal = voter(question) if getattr(voter, _NEEDS_NO_ROOM, False) else None
        if refusal is not None:
            raise refusal


def may(action: str, *, actor: Actor, room: Any = None, role: str | None = None) -> bool:
    """The same as a yes or no, for pages that hide a button."""
    try:
        ask(action, actor=actor, room=room, role=role)
    except LiveRoomError:
        return False
    return True


def actions() -> frozenset[str]:
    return frozenset(_table.voters)
