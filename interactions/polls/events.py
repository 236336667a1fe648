"""What viewers hear of polls, and who asked or answers of questions."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from interactions.delivery.events import RoomEvent, UserEvent
from interactions.shown import ShownPerson


class ShownAnswer(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    votes: int


class ShownPoll(msgspec.Struct, frozen=True, kw_only=True):
    """A poll with its totals. `ballots`: how many people voted; `closes_at`: unix ms, None: by hand."""

    id: str
    question: str
    answers: list[ShownAnswer]
    ballots: int
    max_choices: int
    status: str
    closes_at: int | None


class PollShown(RoomEvent, frozen=True, kw_only=True, tag="poll"):
    """A poll was opened, somebody voted (at most twice a second), or it is closed: then this is the result. The newest stands."""

    poll: ShownPoll


class ShownQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asked, as the owner and the admins see it."""

    id: str
    status: str
    text: str
    sender: ShownPerson = msgspec.field(name="from")
    asked_at: int


class QuestionMoved(UserEvent, frozen=True, kw_only=True, tag="question"):
    """A moderator took up your question; or, with its text, for the owner and the admins: somebody asked one."""

    room: str
    id: str
    status: str
    text: str | UnsetType = UNSET
    sender: ShownPerson | UnsetType = msgspec.field(name="from", default=UNSET)
    asked_at: int | UnsetType = UNSET
