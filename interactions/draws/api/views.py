"""Draws over REST: opened by a room's moderators, seen and checked by everybody who may be in the room."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.delivery.events import as_row
from interactions.draws import selectors
from interactions.draws.api import serializers as shapes
from interactions.draws.services.opening import cancel_draw, open_draw
from interactions.draws.shapes import DrawWriteSerializer
from interactions.models import Draw, DrawWinner
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app, once
from liveroom.accounts.models import Person
from liveroom.kernel import clock, permission
from liveroom.kernel.web.csv_file import csv_response
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked, shown
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room, entered


def _shown(draw: Draw, winners: Sequence[Person]) -> dict[str, Any]:
    """As its events have it; `winners`: those to be named."""
    if draw.status in Draw.UNDECIDED:
        return as_row(selectors.shown_draw(draw))
    return as_row(selectors.shown_result(draw, winners=winners))


def _page(draws: Sequence[Draw]) -> list[dict[str, Any]]:
    """Two queries, however many; a draw in a list names its first winners."""
    first: Mapping[int, list[Person]] = defaultdict(list)
    rows = DrawWinner.objects.filter(draw__in=draws, place__lte=selectors.NAMED_WINNERS).select_related("person")
    for row in rows.order_by("draw_id", "place"):
        first[row.draw_id].append(row.person)
    return [_shown(draw, first[draw.pk]) for draw in draws]


def _entered_draw(request: ApiRequest, number: str) -> Draw:
    """For who may come in; a planned draw is known to nobody but who runs the room."""
    draw = selectors.draw_of(app_id=asked_app(request).pk, number=number)
    entered(request, draw.room)
    if draw.status == Draw.PLANNED and not permission.may("draw.manage", actor=request.user, room=draw.room):
        raise selectors.DrawUnknown(f"There is no draw {number[:24]!r} here.")
    return draw


class DrawsView(APIView):
    @extend_schema(operation_id="rooms_draws_list", responses=shapes.DrawPageSerializer, parameters=[SDKAPPID, *PAGES])
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        """The room's draws, newest first; planned ones for who runs the room."""
        found = asked_room(request, room, enter=True)
        rows = selectors.draws_of(room=found, planned=permission.may("draw.manage", actor=request.user, room=found))
        pages = RoomPages()
        pages.ordering = ("-id",)
        page: Any = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(_page(page))

    @extend_schema(operation_id="rooms_draws_open", request=DrawWriteSerializer, responses={201: shapes.DrawSerializer})
    @open_to("draw.manage")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Open a draw, or plan one. Send an `Idempotency-Key` to be able to repeat the request."""
        found, now = asked_room(request, room), clock.now()
        said = checked(DrawWriteSerializer, request.data)

        def act() -> tuple[int, Any]:
            draw = open_draw(room=found, by=request.user, now=now, address=client_address(request), **said)
            return 201, as_row(selectors.shown_draw(draw))

        status, body = once(request, within=found.key, what="draws", now=now, act=act)
        return Response(body, status=status, headers={"Location": f"/api/v1/draws/{body['id']}"})


class DrawView(APIView):
    @extend_schema(operation_id="draws_get", responses=shapes.DrawSerializer, parameters=[SDKAPPID])
    @open_to("room.enter")
    def get(self, request: ApiRequest, draw: str) -> Response:
        """One draw; once it was drawn, with all its winners and the seed."""
        found = _entered_draw(request, draw)
        return Response(_shown(found, [row.person for row in selectors.winners_of(found)]))

    @extend_schema(operation_id="draws_cancel", responses={200: shapes.DrawSerializer})
    @open_to("draw.manage")
    def delete(self, request: ApiRequest, draw: str) -> Response:
        """Cancel a draw that is planned or open; nobody wins, and the room is told. 409 once the lot has fallen."""
        found = selectors.draw_of(app_id=asked_app(request).pk, number=draw)
        cancelled = cancel_draw(draw=found, by=request.user, now=clock.now(), address=client_address(request))
        return Response(_shown(cancelled, []))


class DrawVerifyView(APIView):
    @extend_schema(operation_id="draws_verify", responses=shapes.VerificationSerializer, parameters=[SDKAPPID])
    @open_to("room.enter")
    def get(self, request: ApiRequest, draw: str) -> Response:
        """Everything that makes the result, for whoever wants to compute it. 409 before the lot has fallen."""
        found = selectors.verification(_entered_draw(request, draw))
        return Response(shown(shapes.VerificationSerializer, found))


class DrawWinnersView(APIView):
    @extend_schema(
        operation_id="draws_winners_get",
        responses={200: OpenApiResponse(OpenApiTypes.STR, description="CSV: place, user, nick.")},
    )
    @open_to("draw.manage")
    def get(self, request: ApiRequest, draw: str) -> StreamingHttpResponse:
        """The winners as a table, for who sends out the prizes (owner, admins, server)."""
        found = selectors.draw_of(app_id=asked_app(request).pk, number=draw)
        self.check_object_permissions(request, found.room)
        return csv_response(
            name=f"winners-{found.number}.csv", header=selectors.WINNERS_HEADER, parts=selectors.winner_rows(found)
        )
