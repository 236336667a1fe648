"""What viewers want to know (D4): a queue per room, for its moderators; a question that is shown is pinned.

Bounded: three of a person wait in a room, and a thousand of all."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from interactions.chat.services import pinning
from interactions.delivery import Person as PersonTarget
from interactions.delivery import ms, publish_durably
from interactions.models import Question
from interactions.polls.events import QuestionMoved
from interactions.polls.selectors import shown_question
from interactions.room.services import publish_to_moderators
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import profile
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import Conflict, NotFound, NotPermitted
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import current_session
from liveroom.rooms.services.locking import locked

TEXT_BYTES = 300
WAITING_OF_ONE, WAITING_OF_ALL = 3, 1_000
STATUSES = (Question.WAITING, Question.SHOWN, Question.ANSWERED, Question.DISMISSED)


class QuestionUnknown(NotFound):
    """10010."""

    name = "question_unknown"


class TooManyQuestions(Conflict):
    """10056: wait until some are answered. `limit`: how many may wait."""

    name = "too_many_questions"


def question_of(*, app_id: int, number: object) -> Question:
    """QuestionUnknown."""
    found = None
    if ids.may_be_number(number):
        rows = Question.objects.select_related("room__app", "room__owner", "person")
        found = rows.filter(room__app=app_id, number=number).first()
    if found is None:
        raise QuestionUnknown(f"There is no question {str(number)[:24]!r} here.")
    return found


@transaction.atomic
def ask_question(*, room: Room, words: str, by: Actor, now: datetime) -> Question:
    """Put a question into the queue; the room's moderators hear of it, at most once a second. TooManyQuestions."""
    now_ms = int(now.timestamp() * 1000)
    permission.ask("question.ask", actor=by, room=room, now_ms=now_ms)
    if by.person_id is None:
        raise NotPermitted("Users ask; a server has no questions.", action="question.ask")
    # Its own row, not the room's: who asks waits for no other.
    person = Person.objects.select_for_update(of=("self",)).get(pk=by.person_id)
    waiting = Question.objects.filter(room=room, status=Question.WAITING)
    if waiting.filter(person=person).count() >= WAITING_OF_ONE:
        raise TooManyQuestions(f"{WAITING_OF_ONE} questions of yours wait already.", limit=WAITING_OF_ONE)
    if waiting.count() >= WAITING_OF_ALL:
        raise TooManyQuestions(f"{WAITING_OF_ALL:,} questions wait in this room.", limit=WAITING_OF_ALL)
    question = Question.objects.create(
        number=ids.number("q"), room=room, session=current_session(room), person=person, text=words.strip(), asked_at=now
    )  # fmt: skip
    _publish_to_readers(question, room, now=now)
    return question


def _publish_to_readers(question: Question, room: Room, *, now: datetime) -> None:
    asked = shown_question(question)
    event = QuestionMoved(
        t=ms(now), room=room.group_id, id=asked.id, status=asked.status, text=asked.text, sender=asked.sender,
        asked_at=asked.asked_at,
    )  # fmt: skip
    publish_to_moderators(event, room=room, what="question-told", at=now)


@transaction.atomic
def set_status(*, question: Question, status: str, by: Actor, now: datetime, address: str = "") -> Question:
    """Show it (that pins it), answer it, dismiss it, or put it back (those unpin it). Who asked is told."""
    room = locked(question.room_id)
    permission.ask("question.manage", actor=by, room=room)
    question = Question.objects.select_related("person").get(pk=question.pk)
    changed = question.status != status
    if changed:
        question.status, question.by = status, str(by)[:120]
        question.done_at = now if status in (Question.ANSWERED, Question.DISMISSED) else None
        question.save(update_fields=["status", "by", "done_at"])
        audit.record(
            action="question.status", actor=by, now=now, room_key=room.key, target=question.number, address=address,
            detail={"status": question.status},
        )  # fmt: skip
    if status == Question.SHOWN:
        _show(room, question, by=by, now=now, address=address)
    else:
        pinning.let_go(room=room, by=by, now=now, question=question.number, address=address)
    if changed:
        moved = QuestionMoved(t=ms(now), room=room.group_id, id=question.number, status=question.status)
        asker = PersonTarget(sdkappid=room.app.sdkappid, identifier=question.person.identifier)
        publish_durably(moved, to=asker, at=now)
    return question


def _show(room: Room, question: Question, *, by: Actor, now: datetime, address: str) -> None:
    """Also one that was shown before, and had to make room for another pin."""
    pinning.pin_question(
        room=room, question=question.number, words=question.text, asker=profile(question.person), by=by, now=now, address=address
    )  # fmt: skip
