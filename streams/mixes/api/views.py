"""Mixes over REST: make, list, look, change, end."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app, once
from liveroom.accounts.api.throttles import CountedThrottle
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room
from liveroom.rooms.models import Room
from streams.mixes import selectors, services
from streams.mixes.api import shapes
from streams.mixes.models import Mix
from streams.models import Stream
from streams.selectors import StreamUnknown


class MixThrottle(CountedThrottle):
    """Of one mix, by everybody: a desk moves a picture twenty times a second, and two desks may."""

    what, limit, per_seconds = "mix", 50, 1

    def who(self, request: ApiRequest) -> str:
        return str(request.parser_context["kwargs"].get("mix", ""))[:24]


def asked_mix(request: ApiRequest, number: str) -> Mix:
    """Of the app of the request; staff see all."""
    return selectors.mix_of(app=None if request.user.kind == permission.STAFF else asked_app(request), number=number)


def shown(mix: Mix) -> dict[str, Any]:
    return selectors.shown_mix(mix, selectors.jobs_of([mix]).get(mix.reference))


def _room_of(request: ApiRequest, said: dict[str, Any]) -> Room:
    """The room that the body names, or that of its first stream."""
    named = said.pop("room", None)
    if named is not None:
        return asked_room(request, named)
    inputs = said.get("inputs")
    first = next((one["stream"] for one in inputs if isinstance(one, dict) and isinstance(one.get("stream"), str)), None) if isinstance(
        inputs, list
    ) else None  # fmt: skip
    rows = Stream.objects.select_related("room__app").filter(
        room__app=asked_app(request), room__disbanded_at__isnull=True
    )
    stream = (
        rows.filter(name=first).first() if isinstance(first, str) and first.isascii() and first.isprintable() else None
    )
    if stream is not None:
        return asked_room(request, stream.room.group_id)
    if first is not None:
        raise StreamUnknown(f"inputs: there is no stream {str(first)[:64]!r}.", field="inputs")
    raise BadParameter("room is missing: name the room, or a stream of it among the inputs.", field="room")


class MixesView(APIView):
    @extend_schema(
        operation_id="mixes_list", responses=shapes.MixPageSerializer, parameters=[SDKAPPID, shapes.MixesQuery, *PAGES]
    )
    @open_to("media.see")
    def get(self, request: ApiRequest) -> Response:
        """Mixes of a room, newest first, also those that are over; without `room`, of the whole app (servers and app admins)."""
        asked = checked(shapes.MixesQuery, request.query_params)
        rows = selectors.mixes().filter(app=asked_app(request), room__disbanded_at__isnull=True)
        if asked:
            room = asked_room(request, asked["room"])
            self.check_object_permissions(request, room)
            rows = rows.filter(room=room)
        else:
            permission.ask("stream.list", actor=request.user)
        pages = RoomPages()
        pages.ordering = ("-id",)
        page: Any = pages.paginate_queryset(rows, request, view=self)
        jobs = selectors.jobs_of(page)
        return pages.get_paginated_response([selectors.shown_mix(mix, jobs.get(mix.reference)) for mix in page])

    @extend_schema(
        operation_id="mixes_create", request=shapes.MixWriteSerializer, responses={201: shapes.MixSerializer}
    )
    @open_to("media.manage")
    def post(self, request: ApiRequest) -> Response:
        """Make one picture of several streams, films, images and colours; the room shows it while it runs. Send an `Idempotency-Key` to
        be able to repeat the request."""
        said, now = checked(shapes.MixWriteSerializer, request.data), clock.now()
        room = _room_of(request, said)

        def act() -> tuple[int, Any]:
            mix = services.create_mix(room=room, by=request.user, now=now, address=client_address(request), **said)
            return 201, shown(mix)

        status, body = once(request, within=str(room.app.sdkappid), what="mixes", now=now, act=act)
        return Response(body, status=status)


class MixView(APIView):
    throttle_classes = [MixThrottle]

    @extend_schema(operation_id="mixes_get", responses=shapes.MixSerializer, parameters=[SDKAPPID])
    @open_to("media.see")
    def get(self, request: ApiRequest, mix: str) -> Response:
        """What it shows, and how it does."""
        found = asked_mix(request, mix)
        self.check_object_permissions(request, found.room)
        return Response(shown(found))

    @extend_schema(
        operation_id="mixes_change", request=shapes.MixChangeSerializer, responses=shapes.MixSerializer,
        parameters=[SDKAPPID],
    )  # fmt: skip
    @open_to("media.manage")
    def patch(self, request: ApiRequest, mix: str) -> Response:
        """Other inputs, another layout, sounds, overlays: shown at once, without a break."""
        said = checked(shapes.MixChangeSerializer, request.data)
        found = services.change_mix(
            mix=asked_mix(request, mix), by=request.user, now=clock.now(), address=client_address(request), **said
        )
        return Response(shown(found))

    @extend_schema(operation_id="mixes_end", responses={204: None}, parameters=[SDKAPPID])
    @open_to("media.manage")
    def delete(self, request: ApiRequest, mix: str) -> Response:
        """End it: the room shows what it showed before. It stays in the list as stopped."""
        services.end_mix(mix=asked_mix(request, mix), by=request.user, now=clock.now(), address=client_address(request))
        return Response(status=204)
