"""Fields of messages over REST: each asks the rule that the socket asks (`services/contents.py`)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from interactions.chat import rules
from interactions.chat.events import Element
from interactions.chat.services import contents


class ElementSerializer(serializers.Serializer):
    """`kind` says which of the other fields it has."""

    kind = serializers.ChoiceField(choices=list(contents.KINDS))


@extend_schema_field(ElementSerializer(many=True))
class ElementsField(serializers.Field):
    def to_internal_value(self, data: Any) -> list[Element]:
        return contents.elements_of(data)


class MentionField(serializers.ListField):
    child = serializers.CharField()

    def to_internal_value(self, data: Any) -> list[str]:
        return contents.mention_of(data)


class ReplyToField(serializers.IntegerField):
    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=rules.LAST_SEQ, **options)

    def to_internal_value(self, data: Any) -> int:
        return contents.reply_to_of(data)
