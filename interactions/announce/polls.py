"""Polls and questions, told to the room or to whom they concern."""

from __future__ import annotations

from interactions.announce.telling import tell, tell_you
from interactions.facts import PollChanged, PollClosed, PollOpened, QuestionAsked, QuestionMoved
from liveroom.kernel.facts import handles


@handles(PollOpened)
def poll_opened(fact: PollOpened) -> None:
    _poll_told(fact)


@handles(PollChanged)
def poll_changed(fact: PollChanged) -> None:
    _poll_told(fact)


@handles(PollClosed)
def poll_closed(fact: PollClosed) -> None:
    _poll_told(fact)


def _poll_told(fact: PollOpened | PollChanged | PollClosed) -> None:
    """The whole poll each time: the newest stands."""
    tell(fact.room_key, fact.at, "poll", poll=dict(fact.poll))


@handles(QuestionAsked)
def question_asked(fact: QuestionAsked) -> None:
    """To the owner and the admins, wherever they are."""
    room = fact.room_key.partition(":")[2]
    for reader in fact.readers:
        tell_you(fact.room_key, reader, fact.at, "question", room=room, **fact.question)


@handles(QuestionMoved)
def question_moved(fact: QuestionMoved) -> None:
    """To who asked."""
    room = fact.room_key.partition(":")[2]
    tell_you(fact.room_key, fact.asker, fact.at, "question", room=room, id=fact.number, status=fact.status)
