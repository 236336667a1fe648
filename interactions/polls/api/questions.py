"""Questions of viewers over REST: ask, read the queue, say what became of one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.delivery.events import as_row
from interactions.polls import selectors
from interactions.polls.api import serializers as shapes
from interactions.polls.services import questions
from interactions.polls.shapes import QuestionStatusSerializer, QuestionWriteSerializer
from interactions.requests import QuestionsOfAddress
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app, once
from liveroom.accounts.api.throttles import CountedThrottle
from liveroom.kernel import clock
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room


class QuestionThrottle(CountedThrottle):
    """Of one user, in all rooms."""

    what, limit, per_seconds = "question", 10, 60
    readable_only = True


class QuestionsView(APIView):
    throttle_classes = [QuestionsOfAddress, QuestionThrottle]

    @extend_schema(
        operation_id="rooms_questions_list",
        responses=shapes.QuestionPageSerializer,
        parameters=[SDKAPPID, shapes.QuestionsQuery, *PAGES],
    )
    @open_to("question.manage")
    def get(self, request: ApiRequest, room: str) -> Response:
        """What viewers ask (owner and admins), the oldest first."""
        found = asked_room(request, room)
        self.check_object_permissions(request, found)
        asked = checked(shapes.QuestionsQuery, request.query_params)
        pages = RoomPages()
        pages.ordering = ("id",)
        page: Any = pages.paginate_queryset(selectors.questions_of(room=found, **asked), request, view=self)
        return pages.get_paginated_response([as_row(selectors.shown_question(question)) for question in page])

    @extend_schema(
        operation_id="rooms_questions_ask", request=QuestionWriteSerializer, responses={201: shapes.QuestionSerializer}
    )
    @open_to("question.ask")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Ask; three of yours wait at most. Send an `Idempotency-Key` to be able to repeat the request."""
        found, now = asked_room(request, room, enter=True), clock.now()
        said = checked(QuestionWriteSerializer, request.data)

        def act() -> tuple[int, Any]:
            question = questions.ask_question(room=found, words=said["text"], by=request.user, now=now)
            return 201, as_row(selectors.shown_question(question))

        status, body = once(
            request, within=str(found.app.sdkappid), what=f"rooms/{found.pk}/questions", now=now, act=act
        )
        return Response(body, status=status)


class QuestionView(APIView):
    @extend_schema(
        operation_id="questions_update", request=QuestionStatusSerializer, responses=shapes.QuestionSerializer
    )
    @open_to("question.manage")
    def patch(self, request: ApiRequest, question: str) -> Response:
        """Say what became of a question (owner and admins); who asked is told."""
        found = questions.question_of(app_id=asked_app(request).pk, number=question)
        said = checked(QuestionStatusSerializer, request.data)
        moved = questions.set_status(
            question=found, status=said["status"], by=request.user, now=clock.now(), address=client_address(request)
        )
        return Response(as_row(selectors.shown_question(moved)))
