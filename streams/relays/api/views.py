"""Relays over REST: make, list, look, change, start again, delete."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app, once
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import BadParameter, NotFound
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room
from streams import selectors as streams
from streams.models import Relay, Stream
from streams.relays import selectors, services
from streams.relays.api import shapes
from streams.relays.rules import PUSH


def _asked_stream(request: ApiRequest, said: dict[str, Any]) -> Stream:
    """The stream that the body names, in the app of the request."""
    name, room = said.pop("stream", None), said.pop("room", None)
    if name is not None:
        found = streams.stream_of(name=name)
        if found.room.app_id != asked_app(request).pk or (room is not None and found.room.group_id != room):
            raise streams.StreamUnknown(f"There is no stream {name[:64]!r}{' in that room' if room else ''}.")
        return found
    if room is None:
        raise BadParameter("stream is missing: name the stream, or the room whose stream it is.", field="stream")
    found_room = asked_room(request, room)
    shown = streams.shown_stream(found_room) if said.get("kind") == PUSH else streams.own_stream(found_room)
    if shown is None:
        raise NotFound("This room has no stream on its programme.")
    return shown


def _asked_relay(request: ApiRequest, number: str) -> Relay:
    return selectors.relay_of(app=None if request.user.kind == permission.STAFF else asked_app(request), number=number)


def _shown(relay: Relay) -> dict[str, Any]:
    return selectors.shown_relay(relay, selectors.jobs_of([relay]).get(relay.reference))


class RelaysView(APIView):
    @extend_schema(
        operation_id="relays_list",
        responses=shapes.RelayPageSerializer,
        parameters=[SDKAPPID, shapes.RelaysQuery, *PAGES],
    )
    @open_to("media.see")
    def get(self, request: ApiRequest) -> Response:
        """Relays of a room or of a stream, newest first; without either, of the whole app (servers and app admins)."""
        asked = checked(shapes.RelaysQuery, request.query_params)
        rows = selectors.relays().filter(app=asked_app(request), room__disbanded_at__isnull=True)
        kind = asked.pop("kind", None)
        if asked:
            stream = _asked_stream(request, {**asked}) if "stream" in asked else None
            room = stream.room if stream is not None else asked_room(request, asked["room"])
            self.check_object_permissions(request, room)
            rows = rows.filter(room=room) if stream is None else rows.filter(stream=stream)
        else:
            permission.ask("stream.list", actor=request.user)
        if kind is not None:
            rows = rows.filter(kind=kind)
        pages = RoomPages()
        pages.ordering = ("-id",)
        page: Any = pages.paginate_queryset(rows, request, view=self)
        jobs = selectors.jobs_of(page)
        return pages.get_paginated_response([selectors.shown_relay(relay, jobs.get(relay.reference)) for relay in page])

    @extend_schema(
        operation_id="relays_create", request=shapes.RelayWriteSerializer, responses={201: shapes.RelaySerializer}
    )
    @open_to("media.manage")
    def post(self, request: ApiRequest) -> Response:
        """Bring a picture from elsewhere, push a stream to elsewhere, or play files as live. Send an `Idempotency-Key` to be able to
        repeat the request."""
        said, now = checked(shapes.RelayWriteSerializer, request.data), clock.now()
        stream = _asked_stream(request, said)

        def act() -> tuple[int, Any]:
            relay = services.create_relay(
                stream=stream, by=request.user, now=now, address=client_address(request), **said
            )
            return 201, _shown(relay)

        status, body = once(request, within=str(stream.room.app.sdkappid), what="relays", now=now, act=act)
        return Response(body, status=status)


class RelayView(APIView):
    @extend_schema(operation_id="relays_get", responses=shapes.RelaySerializer, parameters=[SDKAPPID])
    @open_to("media.see")
    def get(self, request: ApiRequest, relay: str) -> Response:
        """How it does."""
        found = _asked_relay(request, relay)
        self.check_object_permissions(request, found.room)
        return Response(_shown(found))

    @extend_schema(
        operation_id="relays_change", request=shapes.RelayChangeSerializer, responses=shapes.RelaySerializer,
        parameters=[SDKAPPID],
    )  # fmt: skip
    @open_to("media.manage")
    def patch(self, request: ApiRequest, relay: str) -> Response:
        """Another address, other files, another start; `enabled: false` lets it rest. No other relay notices."""
        said = checked(shapes.RelayChangeSerializer, request.data)
        found = services.change_relay(
            relay=_asked_relay(request, relay),
            by=request.user,
            now=clock.now(),
            address=client_address(request),
            **said,
        )
        return Response(_shown(found))

    @extend_schema(operation_id="relays_delete", responses={204: None}, parameters=[SDKAPPID])
    @open_to("media.manage")
    def delete(self, request: ApiRequest, relay: str) -> Response:
        """End it and forget it."""
        services.delete_relay(
            relay=_asked_relay(request, relay), by=request.user, now=clock.now(), address=client_address(request)
        )
        return Response(status=204)


class RelayRestartView(APIView):
    @extend_schema(operation_id="relays_restart", request=None, responses=shapes.RelaySerializer, parameters=[SDKAPPID])
    @open_to("media.manage")
    def post(self, request: ApiRequest, relay: str) -> Response:
        """Connect anew, now. One that is over begins again."""
        found = services.restart_relay(
            relay=_asked_relay(request, relay), by=request.user, now=clock.now(), address=client_address(request)
        )
        return Response(_shown(found))
