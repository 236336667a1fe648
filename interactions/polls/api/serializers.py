"""How polls, votes and questions are answered over REST, and which of them a list may be asked for."""

from __future__ import annotations

from rest_framework import serializers

from interactions.models import Poll
from interactions.polls.services.questions import STATUSES
from liveroom.kernel.web.fields import OneOfField, Shape


class PollAnswerSerializer(serializers.Serializer):
    text = serializers.CharField()
    votes = serializers.IntegerField()


class PollSerializer(serializers.Serializer):
    """As the event `poll` has it. Totals are those that the room was last told; of a closed poll, the result."""

    id = serializers.CharField()
    question = serializers.CharField()
    answers = PollAnswerSerializer(many=True)
    ballots = serializers.IntegerField(help_text="How many people voted.")
    max_choices = serializers.IntegerField()
    status = serializers.ChoiceField(choices=[Poll.OPEN, Poll.CLOSED])
    closes_at = serializers.IntegerField(allow_null=True, help_text="Unix milliseconds; null: by hand.")


class PollSeenSerializer(PollSerializer):
    choices = serializers.ListField(child=serializers.IntegerField(), help_text="What you chose; empty: nothing yet.")


class VoteSerializer(serializers.Serializer):
    """The totals with your vote follow as an event."""

    poll = PollSerializer()
    choices = serializers.ListField(child=serializers.IntegerField())


class PollPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = PollSerializer(many=True)


class QuestionSerializer(serializers.Serializer):
    id = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    text = serializers.CharField()
    asked_at = serializers.IntegerField(help_text="Unix milliseconds.")

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python."""
        return {**super().get_fields(), "from": serializers.DictField(help_text="Who asked: id, nick, avatar, level.")}


class QuestionPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = QuestionSerializer(many=True)


class PollsQuery(Shape):
    status = OneOfField(choices=[Poll.OPEN, Poll.CLOSED], required=False)


class QuestionsQuery(Shape):
    status = OneOfField(choices=STATUSES, required=False)
