"""Polls over REST: open, look, vote, close."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.delivery.events import as_row
from interactions.models import Poll
from interactions.polls import selectors
from interactions.polls.api import serializers as shapes
from interactions.polls.services import polls
from interactions.polls.shapes import PollWriteSerializer, VoteWriteSerializer
from interactions.requests import SendThrottle, VotesOfAddress
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app, once
from liveroom.kernel import clock
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room, entered


class PollsView(APIView):
    @extend_schema(
        operation_id="rooms_polls_list",
        responses=shapes.PollPageSerializer,
        parameters=[SDKAPPID, shapes.PollsQuery, *PAGES],
    )
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        """Polls of the room with their totals, newest first."""
        found = asked_room(request, room, enter=True)
        asked = checked(shapes.PollsQuery, request.query_params)
        pages = RoomPages()
        pages.ordering = ("-id",)
        page: Any = pages.paginate_queryset(selectors.polls_of(room=found, **asked), request, view=self)
        return pages.get_paginated_response([as_row(selectors.shown_poll(poll)) for poll in page])

    @extend_schema(operation_id="rooms_polls_open", request=PollWriteSerializer, responses={201: shapes.PollSerializer})
    @open_to("poll.manage")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Ask the room (its owner and admins). Send an `Idempotency-Key` to be able to repeat the request."""
        found, now = asked_room(request, room), clock.now()
        said = checked(PollWriteSerializer, request.data)

        def act() -> tuple[int, Any]:
            poll = polls.open_poll(room=found, by=request.user, now=now, address=client_address(request), **said)
            return 201, as_row(selectors.shown_poll(poll))

        status, body = once(request, within=str(found.app.sdkappid), what=f"rooms/{found.pk}/polls", now=now, act=act)
        return Response(body, status=status)


def _entered_poll(request: ApiRequest, number: str) -> Poll:
    """For who may come into its room."""
    poll = polls.poll_of(app_id=asked_app(request).pk, number=number)
    entered(request, poll.room)
    return poll


class PollView(APIView):
    @extend_schema(operation_id="polls_get", responses=shapes.PollSeenSerializer, parameters=[SDKAPPID])
    @open_to("room.enter")
    def get(self, request: ApiRequest, poll: str) -> Response:
        """A poll with its totals, and what you chose."""
        found, person_id = _entered_poll(request, poll), request.user.person_id
        mine = [] if person_id is None else polls.cast_by(poll=found, person_id=person_id)
        return Response({**as_row(selectors.shown_poll(found)), "choices": mine})


class VotesView(APIView):
    throttle_classes = [SendThrottle, VotesOfAddress]

    @extend_schema(operation_id="polls_vote", request=VoteWriteSerializer, responses=shapes.VoteSerializer)
    @open_to("poll.vote")
    def post(self, request: ApiRequest, poll: str) -> Response:
        """Vote: once, and for good. The same again gets the same answer, another choice 409."""
        found = _entered_poll(request, poll)
        said = checked(VoteWriteSerializer, request.data)
        vote = polls.vote(poll=found, choices=said["choices"], room=found.room, by=request.user, now=clock.now())
        return Response(vote.shown())


class PollCloseView(APIView):
    @extend_schema(operation_id="polls_close", request=None, responses=shapes.PollSerializer)
    @open_to("poll.manage")
    def post(self, request: ApiRequest, poll: str) -> Response:
        """End it and tell the result (owner and admins). Of one that is closed: the result."""
        found = polls.poll_of(app_id=asked_app(request).pk, number=poll)
        closed = polls.close_poll(poll=found, by=request.user, now=clock.now(), address=client_address(request))
        return Response(as_row(selectors.shown_poll(closed)))
