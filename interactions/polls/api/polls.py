"""Doors of polls: open, look, vote, close."""

from __future__ import annotations

import json
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.models import Poll
from interactions.polls import selectors
from interactions.polls.rules import FEWEST_ANSWERS, MOST_ANSWERS
from interactions.polls.services import polls
from interactions.requests import allow_from_address, allow_send
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.api.views import asked_app
from liveroom.kernel import clock, idempotency
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.http import client_address
from liveroom.rooms.api.views import SDKAPPID, RoomPages, asked_room, entered


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


class PollWriteSerializer(serializers.Serializer):
    question = serializers.CharField(help_text=f"At most {polls.QUESTION_BYTES} bytes.")
    answers = serializers.ListField(
        child=serializers.CharField(help_text=f"At most {polls.ANSWER_BYTES} bytes."),
        min_length=FEWEST_ANSWERS,
        max_length=MOST_ANSWERS,
    )
    max_choices = serializers.IntegerField(default=1, min_value=1, max_value=MOST_ANSWERS)
    seconds = serializers.IntegerField(
        required=False, allow_null=True, min_value=polls.SHORTEST_SECONDS, max_value=polls.LONGEST_SECONDS,
        help_text="It closes by itself; without, by hand.",
    )  # fmt: skip


class VoteWriteSerializer(serializers.Serializer):
    choices = serializers.ListField(
        child=serializers.IntegerField(min_value=1), help_text="Numbers of answers, from 1."
    )


class VoteSerializer(serializers.Serializer):
    """The totals with your vote follow as an event."""

    poll = PollSerializer()
    choices = serializers.ListField(child=serializers.IntegerField())


class PollPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = PollSerializer(many=True)


class PollsView(APIView):
    @extend_schema(
        operation_id="rooms_polls_list",
        responses=PollPageSerializer,
        parameters=[
            SDKAPPID,
            OpenApiParameter("status", str, enum=[Poll.OPEN, Poll.CLOSED]),
            OpenApiParameter("limit", int),
            OpenApiParameter("cursor", str),
        ],
    )
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        """Polls of the room with their totals, newest first."""
        found, status = asked_room(request, room, enter=True), request.query_params.get("status")
        if status not in (None, Poll.OPEN, Poll.CLOSED):
            raise BadParameter("status is open or closed.", field="status")
        pages = RoomPages()
        pages.ordering = ("-id",)
        page: Any = pages.paginate_queryset(selectors.polls_of(room=found, status=status), request, view=self)
        return pages.get_paginated_response([selectors.shown_poll(poll) for poll in page])

    @extend_schema(
        operation_id="rooms_polls_open", request=PollWriteSerializer, responses={201: PollSerializer}
    )  # fmt: skip
    @open_to("poll.manage")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Ask the room (its owner and admins). Send an `Idempotency-Key` to be able to repeat the request."""
        found, now, data = asked_room(request, room), clock.now(), request.data

        def act() -> tuple[int, Any]:
            poll = polls.open_poll(
                room=found, question=data.get("question"), answers=data.get("answers"), by=request.user, now=now,
                max_choices=data.get("max_choices", 1), seconds=data.get("seconds"), address=client_address(request),
            )  # fmt: skip
            return 201, selectors.shown_poll(poll)

        status, body = idempotency.once(
            scope=f"{found.app.sdkappid}:{request.user.kind}:{request.user}:rooms/{found.pk}/polls",
            key=request.headers.get("Idempotency-Key"),
            body=json.dumps(data, sort_keys=True, default=str).encode(),
            now=now,
            act=act,
        )
        return Response(body, status=status)


def _asked(request: ApiRequest, number: str, *, enter: bool = False) -> Poll:
    poll = polls.poll_of(app_id=asked_app(request).pk, number=number)
    if enter:
        entered(request, poll.room)
    return poll


class PollView(APIView):
    @extend_schema(operation_id="polls_get", responses=PollSeenSerializer, parameters=[SDKAPPID])
    @open_to("room.enter")
    def get(self, request: ApiRequest, poll: str) -> Response:
        """A poll with its totals, and what you chose."""
        found, person_id = _asked(request, poll, enter=True), request.user.person_id
        mine = [] if person_id is None else polls.cast_by(poll=found, person_id=person_id)
        return Response({**selectors.shown_poll(found), "choices": mine})


class VotesView(APIView):
    @extend_schema(operation_id="polls_vote", request=VoteWriteSerializer, responses=VoteSerializer)
    @open_to("poll.vote")
    def post(self, request: ApiRequest, poll: str) -> Response:
        """Vote: once, and for good. The same again gets the same answer, another choice 409."""
        found = _asked(request, poll, enter=True)
        allow_send(request, app_id=found.app_id)
        allow_from_address(request, "vote")
        vote = polls.vote(
            poll=found, choices=request.data.get("choices"), room=found.room, by=request.user, now=clock.now()
        )
        return Response(vote.shown())


class PollCloseView(APIView):
    @extend_schema(operation_id="polls_close", request=None, responses=PollSerializer)
    @open_to("poll.manage")
    def post(self, request: ApiRequest, poll: str) -> Response:
        """End it and tell the result (owner and admins). Of one that is closed: the result."""
        closed = polls.close_poll(
            poll=_asked(request, poll), by=request.user, now=clock.now(), address=client_address(request)
        )
        return Response(selectors.shown_poll(closed))
