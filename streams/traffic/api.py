"""Traffic over REST: of a stream, a room or the app, by minute, hour or day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.shapes import checked, shown
from liveroom.rooms.api.requests import asked_room
from liveroom.rooms.models import Room
from streams import selectors as streams
from streams.models.streams import Stream
from streams.traffic import selectors, shapes

_USUAL = timedelta(hours=1)


def _range(asked: dict[str, Any], now: datetime) -> tuple[datetime, datetime]:
    until = asked["to"] or now
    since = asked["from"] or until - _USUAL
    longest = max(selectors.RANGES.values())
    if not since < until:
        raise BadParameter("from is before to.", field="from")
    if until - since > longest:
        raise BadParameter(f"from is at most {longest.days} days before to.", field="from", limit=longest.days)
    return since, until


def _asked_about(request: ApiRequest, asked: dict[str, Any]) -> tuple[Stream | None, Room | None]:
    """Which stream or room; the right is asked for here. Another app's is unknown (P1)."""
    if asked["stream"] and asked["room"]:
        raise BadParameter("Name stream or room, not both.", field="room")
    if asked["stream"]:
        stream = streams.stream_of(name=asked["stream"])
        if request.user.kind != permission.STAFF and stream.room.app_id != asked_app(request).pk:
            raise streams.StreamUnknown(f"There is no stream {asked['stream'][:64]!r}.")
        permission.ask("media.see", actor=request.user, room=stream.room)
        return stream, None
    if asked["room"]:
        room = asked_room(request, asked["room"])
        permission.ask("media.see", actor=request.user, room=room)
        return None, room
    permission.ask("media.plan", actor=request.user)
    return None, None


class TrafficView(APIView):
    @extend_schema(
        operation_id="traffic_get", responses=shapes.TrafficSerializer, parameters=[SDKAPPID, shapes.TrafficQuery]
    )
    @open_to("media.plan")
    def get(self, request: ApiRequest) -> Response:
        """Bytes in and out and the bandwidth, now and at its peak (owner and admins of the room; of the app its server and admins)."""
        asked, now = checked(shapes.TrafficQuery, request.query_params), clock.now()
        stream, room = _asked_about(request, asked)
        since, until = _range(asked, now)
        step = asked["step"] or selectors.step_for(until - since)
        if until - since > selectors.RANGES[step]:
            longest = selectors.RANGES[step].days
            raise BadParameter(
                f"A range by the {step} is at most {longest} days; choose a longer step.", field="step", limit=longest
            )
        rows = selectors.rows_of(
            app_id=asked_app(request).pk,
            stream_id=None if stream is None else stream.pk,
            room_id=None if room is None else room.pk,
        )
        found = selectors.traffic(rows=rows, since=since, until=until, step=step, now=now)
        sums = {
            "in_bytes": sum(point.in_bytes for point in found.points),
            "out_bytes": sum(point.out_bytes for point in found.points),
        }
        about = {"step_seconds": selectors.STEPS[step], "since": since, "until": until, "kinds": found.kinds, **sums}
        figures = ("in_kbps", "out_kbps", "in_peak", "out_peak", "points")
        return Response(shown(shapes.TrafficSerializer, {**about, **{name: getattr(found, name) for name in figures}}))


class BusiestView(APIView):
    @extend_schema(
        operation_id="traffic_streams_list",
        responses=shapes.BusiestSerializer,
        parameters=[SDKAPPID, shapes.BusiestQuery],
    )
    @open_to("media.plan", in_no_room=True)
    def get(self, request: ApiRequest) -> Response:
        """The streams of the app that most went out of (servers and app admins)."""
        asked, now = checked(shapes.BusiestQuery, request.query_params), clock.now()
        since, until = _range(asked, now)
        if until - since > selectors.RANGES[selectors.HOUR]:
            longest = selectors.RANGES[selectors.HOUR].days
            raise BadParameter(f"from is at most {longest} days before to.", field="from", limit=longest)
        found = selectors.busiest_streams(
            app_id=asked_app(request).pk, since=since, until=until, at_most=asked["limit"]
        )
        return Response(shown(shapes.BusiestSerializer, {"results": found}))
