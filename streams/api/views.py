"""Doors of streams: push and play addresses, forbidding, the programme, health."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.api.views import asked_app
from liveroom.kernel import clock, instants, permission
from liveroom.kernel.errors import BadParameter, NotFound
from liveroom.kernel.http import client_address
from liveroom.kernel.shapes import all_shown, shown
from liveroom.rooms.api.views import RoomPages, asked_room
from streams import selectors
from streams.api import serializers as shapes
from streams.models import Publish, Stream
from streams.services import refusals, streams
from streams.services.health import health_of

SDKAPPID = OpenApiParameter("sdkappid", OpenApiTypes.INT, description="Which app, where no token says so.")
ADDRESS = [
    OpenApiParameter(
        "expires_at", OpenApiTypes.DATETIME, description="Until when the address is good, at most ten years ahead."
    ),
    OpenApiParameter("domain", str, description="An enabled domain of the app; left out: its first."),
]
REFUSALS = 10
PASSWORD = OpenApiParameter("Room-Password", str, OpenApiParameter.HEADER, description="For rooms with a password.")


def public_origin(request: Any) -> str:
    """Under which origin the caller sees us: addresses must work from where it stands."""
    if settings.LIVEROOM.production:
        return settings.LIVEROOM.public_http
    return f"{request.scheme}://{request.get_host()}"


def _with_air(queryset: Any) -> Any:
    return queryset.select_related("room__app").annotate(
        on_air=Exists(Publish.objects.filter(stream=OuterRef("pk"), ended_at__isnull=True))
    )


def asked_stream(request: ApiRequest, name: str) -> Stream:
    """The stream of the path, in the app of the request; another app's is unknown here (P1)."""
    found = selectors.stream_of(name=name)
    if request.user.kind != permission.STAFF and found.room.app_id != asked_app(request).pk:
        raise selectors.StreamUnknown(f"There is no stream {name[:64]!r}.")
    return found


def _programme(request: ApiRequest, room: str) -> Stream:
    found = selectors.programme(asked_room(request, room))
    if found is None:
        raise NotFound("This room has no stream on its programme.")
    return found


def _push_answer(stream: Stream, address: selectors.PushAddress) -> Response:
    return Response(shown(shapes.PushSerializer, {"stream": stream.name, **asdict(address)}))


def _shown_address(request: ApiRequest, stream: Stream) -> selectors.PushAddress:
    address = streams.show_push_address(stream=stream, by=request.user, now=clock.now())
    if request.user.kind != permission.SERVER:
        refusals.remember_address(room_key=stream.room.key, address=client_address(request), now=clock.now())
    return address


class PushView(APIView):
    @extend_schema(operation_id="rooms_push_get", responses=shapes.PushSerializer)
    @open_to("stream.push")
    def get(self, request: ApiRequest, room: str) -> Response:
        """What the owner types into OBS."""
        stream = _programme(request, room)
        return _push_answer(stream, _shown_address(request, stream))


class PushResetView(APIView):
    @extend_schema(operation_id="rooms_push_reset", request=None, responses=shapes.PushSerializer)
    @open_to("stream.push")
    def post(self, request: ApiRequest, room: str) -> Response:
        """A new stream key. The old one is worthless at once; whoever pushes with it is cut."""
        stream = _programme(request, room)
        address = streams.reset_push_key(
            stream=stream, by=request.user, now=clock.now(), address=client_address(request)
        )
        return _push_answer(stream, address)


class PlayView(APIView):
    @extend_schema(operation_id="rooms_play_get", responses=shapes.PlaySerializer, parameters=[SDKAPPID, PASSWORD])
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        """Signed addresses of what the room shows."""
        found = asked_room(request, room, enter=True)
        addresses = selectors.play_addresses(
            room=found, actor=request.user, now=clock.now(), http=public_origin(request)
        )
        if addresses is None:
            raise NotFound("This room has no stream on its programme.")
        return Response(addresses.as_dict())


class HealthView(APIView):
    @extend_schema(operation_id="rooms_health_get", responses=shapes.HealthSerializer)
    @open_to("stream.push")
    def get(self, request: ApiRequest, room: str) -> Response:
        """How the picture arrives, and what refused the last push."""
        stream = _programme(request, room)
        permission.ask("stream.push", actor=request.user, room=stream.room)
        now, address = clock.now(), client_address(request)
        # A server asks for somebody else: what it asks from is not the streamer's address.
        address = "" if request.user.kind == permission.SERVER else address
        refused = refusals.refusals_of(stream=stream, address=address, at_most=REFUSALS)
        strange = refusals.refusals_from(address=address, now=now, at_most=REFUSALS)
        return Response(
            {
                **health_of(stream).as_dict(),
                "last_refusal": shown(shapes.RefusalSerializer, refused[0]) if refused else None,
                "refusals": all_shown(shapes.RefusalSerializer, refused),
                "tried_from_your_address": all_shown(shapes.RefusalSerializer, strange),
            }
        )


class RoomStreamsView(APIView):
    @extend_schema(operation_id="rooms_streams_list", responses=shapes.StreamSerializer(many=True))
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        found = asked_room(request, room, enter=True)
        rows = _with_air(Stream.objects.filter(room=found).order_by("id"))
        return Response(all_shown(shapes.StreamSerializer, rows))

    @extend_schema(
        operation_id="rooms_streams_add",
        request=shapes.StreamCreateSerializer,
        responses={201: shapes.StreamSerializer},
    )
    @open_to("stream.manage")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Another place to push to, such as a screen or a second camera."""
        label, name = request.data.get("label"), request.data.get("name")
        if name is not None and not isinstance(name, str):
            raise BadParameter("name must be text.", field="name")
        stream = streams.add_stream(
            room=asked_room(request, room), label=label or "", name=name, by=request.user, now=clock.now()
        )
        return Response(shown(shapes.StreamSerializer, _with_air(Stream.objects).get(pk=stream.pk)), status=201)


class ProgrammeView(APIView):
    @extend_schema(
        operation_id="rooms_programme_set", request=shapes.ProgrammeSerializer, responses=shapes.StreamSerializer
    )
    @open_to("stream.manage")
    def put(self, request: ApiRequest, room: str) -> Response:
        """Show another stream of the room to its viewers."""
        found = asked_room(request, room)
        stream = Stream.objects.filter(room=found, name=str(request.data.get("stream", ""))).first()
        if stream is None:
            raise selectors.StreamUnknown("This room has no stream of that name.")
        stream = streams.set_programme(stream=stream, by=request.user, now=clock.now())
        return Response(shown(shapes.StreamSerializer, _with_air(Stream.objects).get(pk=stream.pk)))


class StreamsView(APIView):
    @extend_schema(
        operation_id="streams_list",
        responses=shapes.StreamPageSerializer,
        parameters=[
            SDKAPPID,
            OpenApiParameter("on_air", bool),
            OpenApiParameter("limit", int),
            OpenApiParameter("cursor", str),
        ],
    )
    @open_to("stream.list")
    def get(self, request: ApiRequest) -> Response:
        """Every stream of the app (servers and app admins)."""
        permission.ask("stream.list", actor=request.user)
        rows = _with_air(Stream.objects.filter(room__app=asked_app(request), room__disbanded_at__isnull=True))
        if request.query_params.get("on_air") in ("true", "1"):
            rows = rows.filter(on_air=True)
        pages = RoomPages()
        pages.ordering = ("-id",)
        page: Any = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(all_shown(shapes.StreamSerializer, page))


class StreamPushView(APIView):
    @extend_schema(operation_id="streams_push_get", responses=shapes.PushSerializer, parameters=ADDRESS)
    @open_to("stream.push")
    def get(self, request: ApiRequest, name: str) -> Response:
        """The push address of any stream of the app. With `expires_at` (servers): one that is good until then."""
        stream, now = asked_stream(request, name), clock.now()
        until = instants.said_in_query(request.query_params.get("expires_at"), field="expires_at")
        if until is None:
            return _push_answer(stream, _shown_address(request, stream))
        address = streams.make_push_address(
            stream=stream, by=request.user, now=now, until=until, domain=request.query_params.get("domain")
        )
        return _push_answer(stream, address)


class StreamPlayView(APIView):
    @extend_schema(
        operation_id="streams_play_get",
        responses=shapes.PlaySerializer,
        parameters=[
            *ADDRESS,
            OpenApiParameter(
                "viewer", str, description="For whom; in rooms that are not open a ban of this user ends the picture."
            ),
        ],
    )
    @open_to("stream.address")
    def get(self, request: ApiRequest, name: str) -> Response:
        """Play addresses of any stream of the app (servers), good until `expires_at` (12 hours, unless said)."""
        stream, now = asked_stream(request, name), clock.now()
        until = instants.said_in_query(request.query_params.get("expires_at"), field="expires_at")
        addresses = streams.make_play_addresses(
            stream=stream,
            by=request.user,
            now=now,
            until=until or now + selectors.PLAY_LIFETIME,
            http=public_origin(request),
            domain=request.query_params.get("domain"),
            viewer=request.query_params.get("viewer", ""),
        )
        return Response(addresses.as_dict())


class ForbidView(APIView):
    @extend_schema(operation_id="streams_forbid", request=shapes.ForbidSerializer, responses=shapes.StreamSerializer)
    @open_to("stream.forbid")
    def put(self, request: ApiRequest, name: str) -> Response:
        """Refuse pushes until a time and cut the publisher now."""
        body = shapes.ForbidSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        stream = streams.forbid_stream(
            stream=asked_stream(request, name),
            by=request.user,
            now=clock.now(),
            reason=body.validated_data["reason"],
            until=body.validated_data.get("until"),
            address=client_address(request),
        )
        return Response(shown(shapes.StreamSerializer, _with_air(Stream.objects).get(pk=stream.pk)))

    @extend_schema(operation_id="streams_allow", responses={200: shapes.StreamSerializer})
    @open_to("stream.forbid")
    def delete(self, request: ApiRequest, name: str) -> Response:
        """Lift a forbiddance."""
        stream = streams.allow_stream(
            stream=asked_stream(request, name), by=request.user, now=clock.now(), address=client_address(request)
        )
        return Response(shown(shapes.StreamSerializer, _with_air(Stream.objects).get(pk=stream.pk)))


class CutView(APIView):
    @extend_schema(operation_id="streams_cut", request=None, responses=shapes.CutSerializer)
    @open_to("stream.forbid")
    def post(self, request: ApiRequest, name: str) -> Response:
        """End the publisher's connection now; it may come back. `cut`: whether there was one."""
        cut = streams.cut_stream(
            stream=asked_stream(request, name), by=request.user, now=clock.now(), address=client_address(request)
        )
        return Response({"cut": cut})
