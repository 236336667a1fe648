"""Polls, questions and the pinned message on the room's page, for staff and for its streamer. Nobody is named as a voter."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from interactions.chat.selectors import pinned
from interactions.chat.services import pinning
from interactions.models import Question
from interactions.polls import selectors
from interactions.polls.rules import ANSWER_BYTES, LONGEST_SECONDS, MOST_ANSWERS, QUESTION_BYTES, SHORTEST_SECONDS
from interactions.polls.services import polls, questions
from interactions.polls.shapes import PollWriteSerializer
from liveroom.kernel import clock
from liveroom.kernel.web.forms import ActForm
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, ConsoleAdmin
from liveroom.rooms.models import Room

POLLS_SHOWN, QUESTIONS_SHOWN = 5, 10


def _text(limit_bytes: int) -> Any:
    return UnfoldAdminTextInputWidget(attrs={"data-limit-bytes": limit_bytes, "autocomplete": "off"})


class PollForm(ActForm):
    """A poll that opens now."""

    shape = PollWriteSerializer

    question = forms.CharField(widget=_text(QUESTION_BYTES))
    answers = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=f"One a line, 2 to {MOST_ANSWERS} of them, each at most {ANSWER_BYTES} bytes.",
    )
    max_choices = forms.IntegerField(
        label="Answers that one may choose", min_value=1, max_value=MOST_ANSWERS, initial=1,
        widget=UnfoldAdminIntegerFieldWidget,
    )  # fmt: skip
    seconds = forms.IntegerField(
        required=False, min_value=SHORTEST_SECONDS, max_value=LONGEST_SECONDS,
        widget=UnfoldAdminIntegerFieldWidget, help_text="It closes by itself. Empty: when you close it.",
    )  # fmt: skip

    def clean_answers(self) -> list[str]:
        """One a line."""
        return [line.strip() for line in self.cleaned_data["answers"].splitlines() if line.strip()]


class WhichPollForm(ActForm):
    poll = forms.CharField(label="Id of the poll", widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}))


class PinForm(ActForm):
    text = forms.CharField(widget=_text(pinning.TEXT_BYTES))


class QuestionForm(ActForm):
    question = forms.CharField(label="Id of the question", widget=UnfoldAdminTextInputWidget())
    status = forms.ChoiceField(choices=[(one, one) for one in questions.STATUSES], widget=UnfoldAdminSelectWidget)


OPEN_POLL = Act(
    "open-poll", "Open a poll", icon="ballot", form=PollForm, apart=True,
    question="The room is asked at once. Everybody votes once, and nobody sees who chose what.",
)  # fmt: skip
CLOSE_POLL = Act("close-poll", "Close", icon="check", form=WhichPollForm, apart=True)
PIN = Act(
    "pin", "Pin a message", icon="keep", form=PinForm, apart=True,
    question="Everybody in the room has it in sight, and whoever joins; it takes the place of what is pinned now.",
)  # fmt: skip
UNPIN = Act("unpin", "Unpin", icon="keep_off", apart=True)
QUESTION = Act("question", "Change", icon="help", form=QuestionForm, apart=True)
ENGAGING = (OPEN_POLL, CLOSE_POLL, PIN, UNPIN, QUESTION)


class EngagingActs(ConsoleAdmin):
    """The services say what is legal."""

    def engaging_panel(self, room: Room) -> dict[str, Any]:
        """The latest polls, the pin, and the oldest questions that wait or are shown."""
        waiting = selectors.questions_of(room=room, status=Question.WAITING)
        return {
            "polls": [
                {"poll": poll, "rows": selectors.poll_bars(poll)}
                for poll in selectors.polls_of(room=room).order_by("-id")[:POLLS_SHOWN]
            ],
            "pinned": pinned(room),
            "shown": list(selectors.questions_of(room=room, status=Question.SHOWN).order_by("-id")[:3]),
            "questions": list(waiting.order_by("id")[:QUESTIONS_SHOWN]),
            "more_questions": max(0, waiting.count() - QUESTIONS_SHOWN),
            **{act.name.replace("-", "_") + "_act": self.shown_act(room, act) for act in ENGAGING},
        }

    def _by(self, request: HttpRequest) -> dict[str, Any]:
        return {"by": self.actor(request), "now": clock.now(), "address": client_address(request)}

    def act_open_poll(self, request: HttpRequest, room: Room, **said: Any) -> str:
        poll = polls.open_poll(room=room, **said, **self._by(request))
        return f"The poll {poll.number} is open: the room sees it now."

    def act_close_poll(self, request: HttpRequest, room: Room, *, poll: str) -> str:
        found = polls.poll_of(app_id=room.app_id, room_id=room.pk, number=poll.strip())
        polls.close_poll(poll=found, **self._by(request))
        return "The poll is closed; the room has the result."

    def act_pin(self, request: HttpRequest, room: Room, *, text: str) -> str:
        pinning.pin_message(room=room, words=text, **self._by(request))
        return "Pinned: everybody in the room sees it."

    def act_unpin(self, request: HttpRequest, room: Room) -> str:
        pinning.unpin(room=room, **self._by(request))
        return "Nothing is pinned."

    def act_question(self, request: HttpRequest, room: Room, *, question: str, status: str) -> str:
        found = questions.question_of(app_id=room.app_id, number=question.strip())
        if found.room_id != room.pk:
            raise questions.QuestionUnknown("That question was asked in another room.")
        questions.set_status(question=found, status=status, **self._by(request))
        return f"The question is {status}; who asked it is told."
