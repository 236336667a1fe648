"""Doors of the questions of viewers: ask, read the queue, say what became of one."""

from __future__ import annotations

import json
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.polls import selectors
from interactions.polls.services import questions
from interactions.requests import allow_from_address
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.api.views import asked_app
from liveroom.kernel import clock, idempotency, permission, throttle
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.http import client_address
from liveroom.rooms.api.views import SDKAPPID, RoomPages, asked_room

# Of one user, in all rooms.
ASKED_PER_MINUTE = 10


class QuestionSerializer(serializers.Serializer):
    id = serializers.CharField()
    status = serializers.ChoiceField(choices=questions.STATUSES)
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


class QuestionWriteSerializer(serializers.Serializer):
    text = serializers.CharField(help_text=f"At most {questions.TEXT_BYTES} bytes.")


class QuestionStatusSerializer(serializers.Serializer):
    status = serializers.ChoiceField(choices=questions.STATUSES, help_text="shown pins it; the others unpin it.")


class QuestionsView(APIView):
    @extend_schema(
        operation_id="rooms_questions_list",
        responses=QuestionPageSerializer,
        parameters=[
            SDKAPPID,
            OpenApiParameter("status", str, enum=list(questions.STATUSES)),
            OpenApiParameter("limit", int),
            OpenApiParameter("cursor", str),
        ],
    )
    @open_to("question.manage")
    def get(self, request: ApiRequest, room: str) -> Response:
        """What viewers ask (owner and admins), the oldest first."""
        found, status = asked_room(request, room), request.query_params.get("status")
        permission.ask("question.manage", actor=request.user, room=found)
        if status is not None and status not in questions.STATUSES:
            raise BadParameter(f"status is one of {', '.join(questions.STATUSES)}.", field="status")
        pages = RoomPages()
        pages.ordering = ("id",)
        page: Any = pages.paginate_queryset(selectors.questions_of(room=found, status=status), request, view=self)
        return pages.get_paginated_response([selectors.shown_question(question) for question in page])

    @extend_schema(
        operation_id="rooms_questions_ask", request=QuestionWriteSerializer, responses={201: QuestionSerializer}
    )
    @open_to("question.ask")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Ask; three of yours wait at most. Send an `Idempotency-Key` to be able to repeat the request."""
        found, now, data = asked_room(request, room, enter=True), clock.now(), request.data
        allow_from_address(request, "question")
        throttle.allow(what="question", who=f"{found.app_id}:{request.user}", limit=ASKED_PER_MINUTE, per_seconds=60)

        def act() -> tuple[int, Any]:
            question = questions.ask_question(room=found, words=data.get("text"), by=request.user, now=now)
            return 201, selectors.shown_question(question)

        status, body = idempotency.once(
            scope=f"{found.app.sdkappid}:{request.user.kind}:{request.user}:rooms/{found.pk}/questions",
            key=request.headers.get("Idempotency-Key"),
            body=json.dumps(data, sort_keys=True, default=str).encode(),
            now=now,
            act=act,
        )
        return Response(body, status=status)


class QuestionView(APIView):
    @extend_schema(operation_id="questions_update", request=QuestionStatusSerializer, responses=QuestionSerializer)
    @open_to("question.manage")
    def patch(self, request: ApiRequest, question: str) -> Response:
        """Say what became of a question (owner and admins); who asked is told."""
        found = questions.set_status(
            question=questions.question_of(app_id=asked_app(request).pk, number=question),
            status=request.data.get("status"),
            by=request.user,
            now=clock.now(),
            address=client_address(request),
        )
        return Response(selectors.shown_question(found))
