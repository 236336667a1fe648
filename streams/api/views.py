"""Streams over REST: push and play addresses, forbidding, the programme, health."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import NotFound
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import all_shown, checked, shown
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room
from streams import addresses, selectors
from streams.api import serializers as shapes
from streams.models import Publish, Stream
from streams.services import refusals, streams
from streams.services.health import health_of
from streams.shapes import ForbidSerializer, PlayQuery, ProgrammeSerializer, PushQuery, StreamCreateSerializer

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


def _pushed(request: ApiRequest, room: str) -> Stream:
    found = selectors.own_stream(asked_room(request, room))
    if found is None:
        raise NotFound("This room has no stream on its programme.")
    return found


def _push_answer(stream: Stream, address: addresses.PushAddress) -> Response:
    return Response(shown(shapes.PushSerializer, {"stream": stream.name, **asdict(address)}))


def _shown_address(request: ApiRequest, stream: Stream) -> addresses.PushAddress:
    address = streams.show_push_address(stream=stream, by=request.user, now=clock.now())
    if request.user.kind != permission.SERVER:
        refusals.remember_address(room_key=stream.room.key, address=client_address(request), now=clock.now())
    return address


class PushView(APIView):
    @extend_schema(operation_id="rooms_push_get", responses=shapes.PushSerializer)
    @open_to("stream.push")
    def get(self, request: ApiRequest, room: str) -> Response:
        """What the owner types into OBS."""
        stream = _pushed(request, room)
        return _push_answer(stream, _shown_address(request, stream))


class PushResetView(APIView):
    @extend_schema(operation_id="rooms_push_reset", request=None, responses=shapes.PushSerializer)
    @open_to("stream.push")
    def post(self, request: ApiRequest, room: str) -> Response:
        """A new stream key. The old one is worthless at once; whoever pushes with it is cut."""
        stream = _pushed(request, room)
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
        play = addresses.play_addresses(room=found, actor=request.user, now=clock.now(), http=public_origin(request))
        if play is None:
            raise NotFound("This room has no stream on its programme.")
        return Response(play.as_dict())


class HealthView(APIView):
    @extend_schema(operation_id="rooms_health_get", responses=shapes.HealthSerializer)
    @open_to("stream.push")
    def get(self, request: ApiRequest, room: str) -> Response:
        """How the picture arrives, and what refused the last push."""
        stream = _pushed(request, room)
        self.check_object_permissions(request, stream.room)
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
        request=StreamCreateSerializer,
        responses={201: shapes.StreamSerializer},
    )
    @open_to("stream.manage")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Another place to push to, such as a screen or a second camera."""
        found, said = asked_room(request, room), checked(StreamCreateSerializer, request.data)
        stream = streams.add_stream(
            room=found, label=said["label"], name=said.get("name"), by=request.user, now=clock.now()
        )
        return Response(shown(shapes.StreamSerializer, _with_air(Stream.objects).get(pk=stream.pk)), status=201)


class ProgrammeView(APIView):
    @extend_schema(operation_id="rooms_programme_set", request=ProgrammeSerializer, responses=shapes.StreamSerializer)
    @open_to("stream.manage")
    def put(self, request: ApiRequest, room: str) -> Response:
        """Show another stream of the room to its viewers."""
        found, said = asked_room(request, room), checked(ProgrammeSerializer, request.data)
        stream = Stream.objects.filter(room=found, name=said["stream"]).first()
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
            *PAGES,
        ],
    )
    @open_to("stream.list", in_no_room=True)
    def get(self, request: ApiRequest) -> Response:
        """Every stream of the app (servers and app admins)."""
        rows = _with_air(Stream.objects.filter(room__app=asked_app(request), room__disbanded_at__isnull=True))
        if request.query_params.get("on_air") in ("true", "1"):
            rows = rows.filter(on_air=True)
        pages = RoomPages()
        pages.ordering = ("-id",)
        page: Any = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(all_shown(shapes.StreamSerializer, page))


class StreamPushView(APIView):
    @extend_schema(operation_id="streams_push_get", responses=shapes.PushSerializer, parameters=[PushQuery])
    @open_to("stream.push")
    def get(self, request: ApiRequest, name: str) -> Response:
        """The push address of any stream of the app. With `expires_at` (servers): one that is good until then."""
        stream, now = asked_stream(request, name), clock.now()
        asked = checked(PushQuery, request.query_params)
        until = asked["expires_at"]
        if until is None:
            return _push_answer(stream, _shown_address(request, stream))
        address = streams.make_push_address(
            stream=stream, by=request.user, now=now, until=until, domain=asked["domain"]
        )
        return _push_answer(stream, address)


class StreamPlayView(APIView):
    @extend_schema(
        operation_id="streams_play_get",
        responses=shapes.PlaySerializer,
        parameters=[PlayQuery],
    )
    @open_to("stream.address")
    def get(self, request: ApiRequest, name: str) -> Response:
        """Play addresses of any stream of the app (servers), good until `expires_at` (12 hours, unless said)."""
        stream, now = asked_stream(request, name), clock.now()
        asked = checked(PlayQuery, request.query_params)
        play = streams.make_play_addresses(
            stream=stream,
            by=request.user,
            now=now,
            until=asked["expires_at"] or now + addresses.PLAY_LIFETIME,
            http=public_origin(request),
            domain=asked["domain"],
            viewer=asked["viewer"],
        )
        return Response(play.as_dict())


class ForbidView(APIView):
    @extend_schema(operation_id="streams_forbid", request=ForbidSerializer, responses=shapes.StreamSerializer)
    @open_to("stream.forbid")
    def put(self, request: ApiRequest, name: str) -> Response:
        """Refuse pushes until a time and cut the publisher now."""
        stream, said = asked_stream(request, name), checked(ForbidSerializer, request.data)
        stream = streams.forbid_stream(
            stream=stream,
            by=request.user,
            now=clock.now(),
            reason=said["reason"],
            until=said.get("until"),
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
