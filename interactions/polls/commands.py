"""`poll_vote` at the socket."""

from __future__ import annotations

from typing import Annotated, Any

from interactions.commands import DATABASE, Answer, Entry, Refusal, RoomCommand, Session, serves_in_room
from interactions.limits import VOTES
from interactions.polls.rules import choices_shape_fault
from interactions.polls.services import polls
from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter


def _refuse_poll(value: Any) -> None:
    raise polls.PollUnknown(f"There is no poll {str(value)[:24]!r} here.")


def _refuse_choices(value: Any) -> None:
    raise BadParameter(choices_shape_fault(value) or "", field="choices")


class PollVote(RoomCommand, frozen=True, kw_only=True, tag="poll_vote"):
    """`poll`: its id; `choices`: numbers of answers, the first is 1."""

    poll: Annotated[str, Refusal(_refuse_poll)]
    choices: Annotated[list[int], Refusal(_refuse_choices)]


@serves_in_room(PollVote, asks="poll.vote", limit=VOTES, threads=DATABASE)
def poll_vote(session: Session, entry: Entry, command: PollVote) -> Answer:
    room = entry.room
    poll = polls.poll_of(app_id=room.app_id, room_id=room.room_id, number=command.poll)
    return polls.vote(
        poll=poll, choices=command.choices, room=room, by=entry.speaker.actor, role=entry.speaker.role,
        standing=entry.standing, now=clock.now(),
    ).shown()  # fmt: skip
