"""What moderators do, over REST: mutes and bans of a room, bans of an app."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app
from liveroom.accounts.services.tokens import checked_identifier
from liveroom.kernel import clock
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import all_shown, checked, shown
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room
from moderation import selectors
from moderation.api import serializers as shapes
from moderation.models import MuteAll
from moderation.services import banning, muting
from moderation.shapes import BanWriteSerializer, MuteWriteSerializer

PAGED = [SDKAPPID, *PAGES]


def _page(view: APIView, request: ApiRequest, rows: Any) -> Response:
    """Newest first."""
    pages = RoomPages()
    pages.ordering = ("-id",)
    page: Any = pages.paginate_queryset(rows, request, view=view)
    return pages.get_paginated_response(all_shown(shapes.MeasureSerializer, page))


def _asked(request: ApiRequest) -> dict[str, Any]:
    """By whom, when and from where: what every service here takes."""
    return {"by": request.user, "now": clock.now(), "address": client_address(request)}


class MutesView(APIView):
    @extend_schema(operation_id="rooms_mutes_list", responses=shapes.MeasurePageSerializer, parameters=PAGED)
    @open_to("room.mute")
    def get(self, request: ApiRequest, room: str) -> Response:
        """Who is muted in the room (its owner and admins)."""
        found = asked_room(request, room)
        self.check_object_permissions(request, found)
        return _page(self, request, selectors.mutes_of(room=found, now=clock.now()))

    @extend_schema(
        operation_id="rooms_mutes_set",
        request=MuteWriteSerializer,
        responses={200: shapes.MeasureSerializer, 204: None},
    )
    @open_to("room.mute")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Mute a user for so many seconds from now; 0 lifts it (204). The user and the room are told at once."""
        found, asked = asked_room(request, room), _asked(request)
        said = checked(MuteWriteSerializer, request.data)
        if said["seconds"] == 0:
            muting.unmute_user(room=found, identifier=said["user"], reason=said["reason"], **asked)
            return Response(status=204)
        mute = muting.mute_user(
            room=found, identifier=said["user"], seconds=said["seconds"], reason=said["reason"], **asked
        )
        return Response(shown(shapes.MeasureSerializer, mute))


class MuteView(APIView):
    @extend_schema(operation_id="rooms_mutes_lift", responses={204: None})
    @open_to("room.mute")
    def delete(self, request: ApiRequest, room: str, user: str) -> Response:
        muting.unmute_user(
            room=asked_room(request, room), identifier=checked_identifier(user, field="user"), **_asked(request)
        )
        return Response(status=204)


class MuteAllView(APIView):
    def _answer(self, found: MuteAll | None) -> Response:
        since, by = (None, None) if found is None else (found.since, found.by)
        return Response(shown(shapes.MuteAllSerializer, {"on": found is not None, "since": since, "by": by}))

    @extend_schema(operation_id="rooms_mute_all_get", responses=shapes.MuteAllSerializer)
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        return self._answer(selectors.mute_all_of(asked_room(request, room, enter=True)))

    @extend_schema(operation_id="rooms_mute_all_set", request=None, responses=shapes.MuteAllSerializer)
    @open_to("room.mute")
    def put(self, request: ApiRequest, room: str) -> Response:
        """Only the owner and the admins speak from now on."""
        return self._answer(muting.mute_everyone(room=asked_room(request, room), **_asked(request)))

    @extend_schema(operation_id="rooms_mute_all_lift", responses={204: None})
    @open_to("room.mute")
    def delete(self, request: ApiRequest, room: str) -> Response:
        """Everybody may speak again, but for who is muted by name."""
        muting.unmute_everyone(room=asked_room(request, room), **_asked(request))
        return Response(status=204)


class BansView(APIView):
    @extend_schema(operation_id="rooms_bans_list", responses=shapes.MeasurePageSerializer, parameters=PAGED)
    @open_to("room.ban")
    def get(self, request: ApiRequest, room: str) -> Response:
        """Who is banned from the room (its owner and admins)."""
        found = asked_room(request, room)
        self.check_object_permissions(request, found)
        return _page(self, request, selectors.bans_of(room=found, now=clock.now()))

    @extend_schema(operation_id="rooms_bans_set", request=BanWriteSerializer, responses=shapes.MeasureSerializer)
    @open_to("room.ban")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Ban a user from the room: its sockets there are closed at once, and it is refused until then."""
        found, said = asked_room(request, room), checked(BanWriteSerializer, request.data)
        ban = banning.ban_user(
            room=found,
            identifier=said["user"],
            seconds=said["seconds"],
            reason=said["reason"],
            **_asked(request),
        )
        return Response(shown(shapes.MeasureSerializer, ban))


class BanView(APIView):
    @extend_schema(operation_id="rooms_bans_lift", responses={204: None})
    @open_to("room.ban")
    def delete(self, request: ApiRequest, room: str, user: str) -> Response:
        banning.lift_ban(
            room=asked_room(request, room), identifier=checked_identifier(user, field="user"), **_asked(request)
        )
        return Response(status=204)


class AppBansView(APIView):
    @extend_schema(operation_id="bans_list", responses=shapes.MeasurePageSerializer, parameters=PAGED)
    @open_to("app.ban", in_no_room=True)
    def get(self, request: ApiRequest) -> Response:
        """Who is banned from the whole app (servers with the scope `people`, app admins)."""
        return _page(self, request, selectors.app_bans(app=asked_app(request), now=clock.now()))

    @extend_schema(operation_id="bans_set", request=BanWriteSerializer, responses=shapes.MeasureSerializer)
    @open_to("app.ban", in_no_room=True)
    def post(self, request: ApiRequest) -> Response:
        """Ban a user from every room of the app: all its sockets are closed at once."""
        said = checked(BanWriteSerializer, request.data)
        ban = banning.ban_from_app(
            app=asked_app(request),
            identifier=said["user"],
            seconds=said["seconds"],
            reason=said["reason"],
            **_asked(request),
        )
        return Response(shown(shapes.MeasureSerializer, ban))


class AppBanView(APIView):
    @extend_schema(operation_id="bans_lift", responses={204: None})
    @open_to("app.ban", in_no_room=True)
    def delete(self, request: ApiRequest, user: str) -> Response:
        """Bans from single rooms stay."""
        banning.lift_ban_from_app(
            app=asked_app(request), identifier=checked_identifier(user, field="user"), **_asked(request)
        )
        return Response(status=204)
