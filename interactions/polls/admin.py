"""Polls with their totals, and the questions of viewers, as staff see them. Ballots are on no page: nobody reads who chose what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from interactions.models import Poll, Question
from interactions.polls import selectors
from interactions.polls.services import polls, questions
from liveroom.kernel import clock
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, SwornAdmin

CLOSE = Act("close", "Close the poll", icon="check", question="Close it now? The room is told the result.")
SHOW = Act("show", "Show", icon="keep", question="Pin this question in its room?")
ANSWERED = Act("answered", "Answered", icon="done")
DISMISS = Act("dismiss", "Dismiss", icon="close")


@admin.register(Poll)
class PollAdmin(SwornAdmin):
    """Opened on the room's page."""

    change_form_template = "console/poll.html"
    list_display = ("question", "room", "status", "told_ballots", "opened_at", "closes_at", "closed_at", "by")
    list_filter = ("status", "app")
    search_fields = ("number", "question", "room__group_id", "room__title", "by")
    list_select_related = ("room",)
    ordering = ("-id",)
    acts = (CLOSE,)

    def acts_for(self, request: HttpRequest, obj: Poll) -> Sequence[Act]:
        return self.acts if obj.status == Poll.OPEN else ()

    def act_close(self, request: HttpRequest, poll: Poll) -> str:
        polls.close_poll(poll=poll, by=self.actor(request), now=clock.now(), address=client_address(request))
        return "The poll is closed; the room has the result."

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        poll = kwargs.get("obj")
        if poll is not None and poll.pk:
            context["panel"] = {"poll": poll, "rows": selectors.poll_bars(poll)}
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(Question)
class QuestionAdmin(SwornAdmin):
    list_display = ("text", "person", "room", "status", "asked_at", "done_at", "by")
    list_filter = ("status", "room__app")
    search_fields = ("number", "text", "person__identifier", "room__group_id", "room__title")
    list_select_related = ("person", "room")
    ordering = ("-id",)
    acts = (SHOW, ANSWERED, DISMISS)

    def acts_for(self, request: HttpRequest, obj: Question) -> Sequence[Act]:
        done = {Question.SHOWN: SHOW, Question.ANSWERED: ANSWERED, Question.DISMISSED: DISMISS}.get(obj.status)
        return [act for act in self.acts if act is not done]

    def _move(self, request: HttpRequest, question: Question, status: str) -> str:
        questions.set_status(
            question=question, status=status, by=self.actor(request), now=clock.now(), address=client_address(request)
        )
        return f"The question is {status}; who asked it is told."

    def act_show(self, request: HttpRequest, question: Question) -> str:
        return self._move(request, question, Question.SHOWN)

    def act_answered(self, request: HttpRequest, question: Question) -> str:
        return self._move(request, question, Question.ANSWERED)

    def act_dismiss(self, request: HttpRequest, question: Question) -> str:
        return self._move(request, question, Question.DISMISSED)
