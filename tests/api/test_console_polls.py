"""Polls, the pin and questions in the console: a streamer on its room's page, staff on the lists; nobody reads who voted for what."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from interactions.models import Pin, Poll, Question
from interactions.polls.services import polls, questions, totals
from liveroom.kernel import clock
from liveroom.rooms.models import Room
from tests.helpers.console import act, page
from tests.helpers.people import STAFF, Cast

pytestmark = pytest.mark.django_db

FORM = {"question": "Tea?", "answers": "yes\n no \n\n", "max_choices": "1"}


def test_a_streamer_opens_a_poll_sees_its_bars_and_closes_it(stella: Client, cast: Cast, ritas: Room) -> None:
    assert stella.post(act(cast.room, "open-poll"), FORM).status_code == 302
    poll = Poll.objects.get()
    assert (poll.answers, poll.by, poll.closes_at) == (["yes", "no"], "stella", None)
    polls.vote(poll=poll, choices=[2], room=cast.room, by=cast.actor(cast.mia), now=clock.now())
    totals.publish_totals(now=clock.now() + totals.BETWEEN)
    text = stella.get(page(cast.room)).content.decode()
    assert "1 voted" in text
    assert 'value="100" aria-label="no"' in text
    one = stella.post(act(cast.room, "open-poll"), FORM | {"answers": "alone"})
    assert "2 to 6 answers" in str(one.context["item"]["form"].errors["answers"])
    elsewhere = polls.open_poll(room=ritas, question="?", answers=["a", "b"], by=STAFF, now=clock.now())
    assert stella.post(act(cast.room, "close-poll"), {"poll": elsewhere.number}).status_code == 404
    assert stella.post(act(cast.room, "close-poll"), {"poll": poll.number}).status_code == 302
    assert set(Poll.objects.filter(status="closed")) == {poll}
    for name in ("poll", "question"):
        assert stella.get(reverse(f"admin:interactions_{name}_changelist")).status_code in (302, 403, 404)


def test_a_streamer_pins_and_works_through_the_questions(stella: Client, cast: Cast) -> None:
    assert "Nothing is pinned" in stella.get(page(cast.room)).content.decode()
    stella.post(act(cast.room, "pin"), {"text": "back at <nine>"})
    assert "back at &lt;nine&gt;" in stella.get(page(cast.room)).content.decode()
    stella.post(act(cast.room, "unpin"))
    assert not Pin.objects.exists()
    first, second = (
        questions.ask_question(room=cast.room, words=words, by=cast.actor(cast.mia), now=clock.now())
        for words in ("Why?", "When?")
    )
    assert "Why?" in stella.get(page(cast.room)).content.decode()
    for question, status in ((first, "shown"), (second, "dismissed"), (first, "answered")):
        answer = stella.post(act(cast.room, "question"), {"question": question.number, "status": status})
        assert answer.status_code == 302
    assert [row.status for row in Question.objects.order_by("id")] == ["answered", "dismissed"]
    assert "No question waits" in stella.get(page(cast.room)).content.decode()


def test_staff_see_results_and_answer_but_nobody_who_voted(staff: Client, cast: Cast) -> None:
    now = clock.now()
    poll = polls.open_poll(room=cast.room, question="Tea?", answers=["yes", "no"], by=STAFF, now=now)
    polls.vote(poll=poll, choices=[1], room=cast.room, by=cast.actor(cast.zed), now=now)
    assert "Tea?" in staff.get(reverse("admin:interactions_poll_changelist")).content.decode()
    staff.post(reverse("admin:interactions_poll_act", args=(poll.pk, "close")))
    text = staff.get(reverse("admin:interactions_poll_change", args=(poll.pk,))).content.decode()
    assert "This is the result" in text
    assert "1 (100 %)" in text
    assert "zed" not in text
    question = questions.ask_question(room=cast.room, words="Why?", by=cast.actor(cast.mia), now=now)
    assert "Why?" in staff.get(reverse("admin:interactions_question_changelist")).content.decode()
    for name, status in (("show", "shown"), ("answered", "answered"), ("dismiss", "dismissed")):
        assert staff.post(reverse("admin:interactions_question_act", args=(question.pk, name))).status_code == 302
        assert Question.objects.get().status == status
