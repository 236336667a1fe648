"""Watermarks over REST: put one somewhere, list, look, move and change, take away."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app, once
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.values import instants
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import checked
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room
from streams import selectors as streams
from streams.mixes.selectors import mix_of
from streams.models import Stream
from streams.plans.api import RuleUnknown
from streams.plans.models import Rule
from streams.relays.selectors import relay_of
from streams.watermarks import selectors, services, shapes
from streams.watermarks.models import Watermark
from streams.watermarks.services import Target

_JSON = "application/json"


def _stream(request: ApiRequest, name: str) -> Stream:
    """A stream of the app of the request; another app's is unknown here (P1)."""
    found = streams.stream_of(name=name)
    if found.room.app_id != asked_app(request).pk:
        raise streams.StreamUnknown(f"There is no stream {name[:64]!r}.")
    return found


def _target(request: ApiRequest, said: dict[str, Any]) -> Target:
    """What the body names: exactly one."""
    named = [name for name in shapes.TARGETS if said[name] is not None]
    if len(named) != 1:
        raise BadParameter(
            f"Name one of {', '.join(shapes.TARGETS)}: what the watermark is on.", field=named[1] if named else "stream"
        )
    if said["stream"] is not None:
        return _stream(request, said["stream"])
    if said["mix"] is not None:
        return mix_of(app=asked_app(request), number=said["mix"])
    if said["relay"] is not None:
        return relay_of(app=asked_app(request), number=said["relay"])
    rows = Rule.objects.select_related("app", "stream__room__app", "stream__room__owner")
    rule = rows.filter(app=asked_app(request), pk=said["recording_rule"]).first()
    if rule is None:
        raise RuleUnknown(f"There is no rule {said['recording_rule']!r} here.")
    return rule


def _asked(request: ApiRequest, number: str) -> Watermark:
    app = None if request.user.kind == permission.STAFF else asked_app(request)
    return selectors.watermark_of(app=app, number=number)


def _shown(watermark: Watermark) -> dict[str, Any]:
    row = selectors.shown_watermark(watermark, selectors.states_of([watermark])[watermark.pk])
    return row | {name: instants.shown(row[name]) for name in ("created_at", "updated_at")}


def _settings(request: ApiRequest) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise BadParameter("The body is an object.", field="kind")
    return {name: value for name, value in request.data.items() if name not in shapes.TARGETS}


class WatermarksView(APIView):
    @extend_schema(
        operation_id="watermarks_list", responses={(200, _JSON): shapes.page_schema()},
        parameters=[SDKAPPID, shapes.WatermarksQuery, *PAGES],
    )  # fmt: skip
    @open_to("media.see")
    def get(self, request: ApiRequest) -> Response:
        """Watermarks of a room or of a stream, newest first; without either, of the whole app (servers and app admins)."""
        asked = checked(shapes.WatermarksQuery, request.query_params)
        rows = selectors.watermarks().filter(app=asked_app(request))
        if "stream" in asked:
            stream = _stream(request, asked["stream"])
            self.check_object_permissions(request, stream.room)
            rows = rows.filter(stream=stream)
        elif "room" in asked:
            room = asked_room(request, asked["room"])
            self.check_object_permissions(request, room)
            rows = rows.filter(room=room)
        else:
            permission.ask("stream.list", actor=request.user)
        pages = RoomPages()
        pages.ordering = ("-id",)
        page: Any = pages.paginate_queryset(rows, request, view=self)
        how = selectors.states_of(page)
        return pages.get_paginated_response([selectors.shown_watermark(one, how[one.pk]) for one in page])

    @extend_schema(
        operation_id="watermarks_create", request={_JSON: shapes.body_schema(whole=True)},
        responses={(201, _JSON): shapes.answer_schema()},
    )  # fmt: skip
    @open_to("media.manage")
    def post(self, request: ApiRequest) -> Response:
        """Draw a text, a picture, a clock or a running text over a stream, a mix, the recordings of a rule or what a relay pushes; or
        hide a number in it that `read_mark` finds again. At most eight on one target. Send an `Idempotency-Key` to be able to repeat
        the request."""
        settings, now = _settings(request), clock.now()
        target = _target(request, checked(shapes.TargetSerializer, request.data))

        def act() -> tuple[int, Any]:
            watermark = services.create_watermark(
                target=target, said=settings, by=request.user, now=now, address=client_address(request)
            )
            return 201, _shown(watermark)

        status, body = once(
            request, within=str(asked_app(request).sdkappid), what="watermarks", now=now, act=act
        )  # fmt: skip
        return Response(body, status=status)


class WatermarkView(APIView):
    @extend_schema(
        operation_id="watermarks_get", responses={(200, _JSON): shapes.answer_schema()}, parameters=[SDKAPPID]
    )  # fmt: skip
    @open_to("media.see")
    def get(self, request: ApiRequest, watermark: str) -> Response:
        """What it is, and whether it is in a picture now."""
        found = _asked(request, watermark)
        if found.room is None:
            permission.ask("media.plan", actor=request.user)
        else:
            self.check_object_permissions(request, found.room)
        return Response(_shown(found))

    @extend_schema(
        operation_id="watermarks_change", request={_JSON: shapes.body_schema(whole=False)},
        responses={(200, _JSON): shapes.answer_schema()}, parameters=[SDKAPPID],
    )  # fmt: skip
    @open_to("media.manage")
    def patch(self, request: ApiRequest, watermark: str) -> Response:
        """Move it, or make it another one: on the picture within a second, without a break. What is not said stays."""
        said = _settings(request)
        if len(said) < len(request.data):
            raise BadParameter("What a watermark is on cannot be changed; make another one.", field="stream")
        found = services.change_watermark(
            watermark=_asked(request, watermark), said=said, by=request.user, now=clock.now(),
            address=client_address(request),
        )  # fmt: skip
        return Response(_shown(found))

    @extend_schema(operation_id="watermarks_delete", responses={204: None}, parameters=[SDKAPPID])
    @open_to("media.manage")
    def delete(self, request: ApiRequest, watermark: str) -> Response:
        """Take it away. What its number says is kept."""
        services.delete_watermark(
            watermark=_asked(request, watermark), by=request.user, now=clock.now(), address=client_address(request)
        )
        return Response(status=204)
