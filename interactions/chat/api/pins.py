"""The pinned message over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.chat import rules, selectors
from interactions.chat.services import pinning
from interactions.delivery.events import as_row
from interactions.models import Question
from interactions.polls.services import questions
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.fields import AnyField, Shape, WholeNumberField, WordField
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api.requests import asked_room


class PinnedSerializer(serializers.Serializer):
    """As the event `pin` has it."""

    kind = serializers.ChoiceField(choices=[pinning.COMMENT, pinning.QUESTION, pinning.TEXT])
    text = serializers.CharField()
    seq = serializers.IntegerField(required=False, help_text="Of a comment.")
    question = serializers.CharField(required=False, help_text="Its id, of a question.")
    by = serializers.CharField()
    at = serializers.IntegerField(help_text="Unix milliseconds.")

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python."""
        return {
            **super().get_fields(),
            "from": serializers.DictField(required=False, help_text="Who said or asked it."),
        }


class PinSerializer(serializers.Serializer):
    pinned = PinnedSerializer(allow_null=True)


class PinWriteSerializer(Shape):
    """One of them."""

    seq = WholeNumberField(1, rules.LAST_SEQ, null_means="none", default=None, help_text="Of a delivered comment.")
    text = WordField(default=None, allow_null=True, help_text=f"Your own words, at most {pinning.TEXT_BYTES} bytes.")
    question = AnyField(default=None, allow_null=True, help_text="Id of a question: the same as its status `shown`.")


class PinView(APIView):
    @extend_schema(operation_id="rooms_pin_get", responses=PinSerializer, parameters=[SDKAPPID])
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        """What the room keeps in sight; null: nothing."""
        return Response({"pinned": selectors.pinned(asked_room(request, room, enter=True))})

    @extend_schema(operation_id="rooms_pin_set", request=PinWriteSerializer, responses=PinSerializer)
    @open_to("room.pin")
    def put(self, request: ApiRequest, room: str) -> Response:
        """Pin a comment, a question or words of your own, instead of what was pinned (owner and admins)."""
        found, said = asked_room(request, room), checked(PinWriteSerializer, request.data)
        by: Any = {"by": request.user, "now": clock.now(), "address": client_address(request)}
        if said["question"] is None:
            pinned = pinning.pin_message(room=found, seq=said["seq"], words=said["text"], **by)
            return Response({"pinned": as_row(pinned)})
        permission.ask("question.manage", actor=request.user, room=found)
        if said["seq"] is not None or said["text"] is not None:
            raise BadParameter("A pin is a comment's seq, a text or a question: one of them.", field="question")
        question = questions.question_of(app_id=found.app_id, number=said["question"])
        if question.room_id != found.pk:
            raise questions.QuestionUnknown("That question was asked in another room.")
        questions.set_status(question=question, status=Question.SHOWN, **by)
        return Response({"pinned": selectors.pinned(found)})

    @extend_schema(operation_id="rooms_pin_delete", responses={204: None})
    @open_to("room.pin")
    def delete(self, request: ApiRequest, room: str) -> Response:
        pinning.unpin(room=asked_room(request, room), by=request.user, now=clock.now(), address=client_address(request))
        return Response(status=204)
