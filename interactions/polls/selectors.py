"""Reads about polls and the questions of viewers: as everybody is shown them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from interactions.delivery.events import maybe_ms, ms
from interactions.models import Poll, Question
from interactions.polls.events import ShownAnswer, ShownPoll, ShownQuestion
from interactions.polls.rules import bars
from interactions.shown import shown_person
from liveroom.accounts.selectors import profile
from liveroom.rooms.models import Room


def shown_poll(poll: Poll) -> ShownPoll:
    """As everybody is shown it: with the totals that the room was last told."""
    votes = poll.told_votes or [0] * len(poll.answers)
    return ShownPoll(
        id=poll.number,
        question=poll.question,
        answers=[ShownAnswer(text=text, votes=count) for text, count in zip(poll.answers, votes, strict=True)],
        ballots=poll.told_ballots,
        max_choices=poll.max_choices,
        status=poll.status,
        closes_at=maybe_ms(poll.closes_at),
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """An answer as a page shows it. `percent`: of a hundred voters, how many chose it."""

    text: str
    votes: int
    percent: int


def poll_bars(poll: Poll) -> list[Bar]:
    """In the order of the answers."""
    shown = shown_poll(poll).answers
    lengths = bars([answer.votes for answer in shown], ballots=poll.told_ballots)
    return [
        Bar(text=answer.text, votes=answer.votes, percent=percent)
        for answer, percent in zip(shown, lengths, strict=True)
    ]


def polls_of(*, room: Room, status: str | None = None) -> QuerySet[Poll]:
    found = Poll.objects.filter(room=room)
    return found if status is None else found.filter(status=status)


def open_polls(room: Room) -> list[ShownPoll]:
    """For who comes in, the oldest first."""
    return [shown_poll(poll) for poll in polls_of(room=room, status=Poll.OPEN).order_by("id")]


def with_open_polls(rooms: Sequence[Room]) -> set[int]:
    """Which of them have one."""
    return set(Poll.objects.filter(room__in=rooms, status=Poll.OPEN).values_list("room_id", flat=True))


def questions_of(*, room: Room, status: str | None = None) -> QuerySet[Question]:
    found = Question.objects.filter(room=room).select_related("person")
    return found if status is None else found.filter(status=status)


def shown_question(question: Question) -> ShownQuestion:
    """As moderators see it; `person` should be loaded."""
    return ShownQuestion(
        id=question.number,
        status=question.status,
        text=question.text,
        sender=shown_person(profile(question.person)),
        asked_at=ms(question.asked_at),
    )
