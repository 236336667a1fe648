"""Everything that can be heard and everything that a client may send: the events and commands of every feature are imported here, so that
`delivery.events.catalogue` and `commands.handlers` are complete.

`interactions/apps.py` imports this when Django is ready. A new event or command in a feature that is here needs no line."""

from __future__ import annotations

from typing import Any, TypeVar

from interactions.audience import events as audience
from interactions.chat import commands as chat_commands
from interactions.chat import events as chat
from interactions.delivery import control
from interactions.delivery.events import Control, RoomEvent, UserEvent
from interactions.delivery.events import catalogue as _catalogue
from interactions.draws import events as draws
from interactions.gifts import commands as gifts_commands
from interactions.gifts import events as gifts
from interactions.hands import commands as hands_commands
from interactions.hands import events as hands
from interactions.likes import commands as likes_commands
from interactions.likes import events as likes
from interactions.people import events as people
from interactions.polls import commands as polls_commands
from interactions.polls import events as polls
from interactions.room import events as room
from interactions.socket import commands as socket_commands
from interactions.socket.joining import entering
from interactions.statistics import events as statistics

Kind = TypeVar("Kind", bound=Any)

FEATURES = (audience, chat, control, draws, gifts, hands, likes, people, polls, room, statistics)
COMMANDS = (chat_commands, gifts_commands, hands_commands, likes_commands, polls_commands, socket_commands, entering)


def room_events() -> dict[str, type[RoomEvent]]:
    """By their names on the wire."""
    return _ours(_catalogue(RoomEvent))


def user_events() -> dict[str, type[UserEvent]]:
    return _ours(_catalogue(UserEvent))


def control_messages() -> dict[str, type[Control]]:
    return _ours(_catalogue(Control))


def _ours(found: dict[str, type[Kind]]) -> dict[str, type[Kind]]:
    """Tests declare events of their own."""
    return {name: kind for name, kind in found.items() if not kind.__module__.startswith("tests.")}
