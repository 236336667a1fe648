"""The shapes of a new poll, a vote and a question: bodies over REST and the console's forms are checked by them, once."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from interactions.polls.rules import (
    ANSWER_BYTES,
    FEWEST_ANSWERS,
    LONGEST_SECONDS,
    MOST_ANSWERS,
    QUESTION_BYTES,
    SHORTEST_SECONDS,
    choices_shape_fault,
)
from interactions.polls.services.questions import STATUSES, TEXT_BYTES
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.fields import LineField, ListField, OneOfField, Shape, TextField, WholeNumberField


class PollWriteSerializer(Shape):
    question = TextField(limit_bytes=QUESTION_BYTES, filled=True)
    answers = ListField(
        of="answers", child=LineField(limit_bytes=ANSWER_BYTES, filled=True), low=FEWEST_ANSWERS, high=MOST_ANSWERS
    )
    max_choices = WholeNumberField(1, MOST_ANSWERS, default=1)
    seconds = WholeNumberField(
        SHORTEST_SECONDS, LONGEST_SECONDS, null_means="until you close it", default=None,
        help_text="It closes by itself; without, by hand.",
    )  # fmt: skip


class ChoicesField(serializers.ListField):
    """Numbers of answers; whether the poll has them is its own question (`rules.choices_fault`)."""

    child = serializers.IntegerField(min_value=1)

    def to_internal_value(self, data: Any) -> list[int]:
        fault = choices_shape_fault(data)
        if fault is not None:
            raise BadParameter(fault, field="choices")
        return list(data)


class VoteWriteSerializer(Shape):
    choices = ChoicesField(help_text="Numbers of answers, from 1.")


class QuestionWriteSerializer(Shape):
    text = TextField(limit_bytes=TEXT_BYTES, filled=True)


class QuestionStatusSerializer(Shape):
    status = OneOfField(choices=STATUSES, help_text="shown pins it; the others unpin it.")
