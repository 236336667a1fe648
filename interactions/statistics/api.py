"""Shows in numbers over REST, for who runs the room: the list, one with its minutes, the same as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.statistics import selectors
from interactions.statistics.rules.statistics import Minute
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest, asked_app
from liveroom.kernel import clock, permission
from liveroom.kernel.web.csv_file import csv_response
from liveroom.kernel.web.shapes import all_shown, shown
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room
from liveroom.rooms.models import LiveSession

# A day of single minutes; longer shows are told in steps of several.
MOST_MINUTES: Final = 1_440
MINUTES_PER_PART: Final = 500
HEADER: Final = (
    "minute", "online_mean", "online_peak", "guests_peak", "watch_seconds", "new_viewers", "comments", "likes", "gift_value",
    "followers", "drops",
)  # fmt: skip


class SummarySerializer(serializers.Serializer):
    """What is left to say of a show that is over."""

    seconds = serializers.IntegerField(help_text="How long it lasted.")
    online_peak = serializers.IntegerField()
    online_mean = serializers.FloatField()
    viewers = serializers.IntegerField(help_text="Users, and as many guests as were there at once.")
    watch_seconds = serializers.IntegerField(help_text="Of all viewers together.")
    comments = serializers.IntegerField(help_text="And custom messages; delivered and sampled.")
    likes = serializers.IntegerField()
    gifts = serializers.IntegerField()
    gift_value = serializers.IntegerField(help_text="In the app's minor unit, without what was refunded until the end.")
    followers = serializers.IntegerField(help_text="New ones of the owner.")
    drops = serializers.IntegerField(help_text="How often the picture was lost and came back.")


class ShowSerializer(serializers.Serializer):
    sequence = serializers.CharField()
    room = serializers.CharField(source="room.group_id")
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField(allow_blank=True)


class SessionSerializer(ShowSerializer):
    """`summary` is null while the show is on and for about 20 s after it."""

    summary = SummarySerializer(allow_null=True, default=None)


class SessionPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = SessionSerializer(many=True)


class MinuteSerializer(serializers.Serializer):
    """`online_mean` null: nobody counted, because a part of the service was away."""

    minute = serializers.DateTimeField(help_text="Its beginning, UTC.")
    online_mean = serializers.FloatField(allow_null=True)
    online_peak = serializers.IntegerField()
    guests_peak = serializers.IntegerField()
    watch_seconds = serializers.IntegerField()
    new_viewers = serializers.IntegerField(help_text="Users who were not in this show before.")
    comments = serializers.IntegerField()
    likes = serializers.IntegerField()
    gift_value = serializers.IntegerField()
    followers = serializers.IntegerField()
    drops = serializers.IntegerField()


class StatisticsSerializer(serializers.Serializer):
    session = ShowSerializer()
    summary = SummarySerializer(allow_null=True)
    minutes_each = serializers.IntegerField(help_text="How many minutes an entry stands for: 1 up to a day.")
    minutes = MinuteSerializer(many=True)


def asked_session(request: ApiRequest, sequence: str) -> LiveSession:
    """The show of the path in the app of the request, for who may see its numbers."""
    session = selectors.session_of(app_id=asked_app(request).pk, sequence=sequence)
    permission.ask("statistics.see", actor=request.user, room=session.room)
    return session


class SessionsView(APIView):
    @extend_schema(
        operation_id="rooms_sessions_list",
        responses=SessionPageSerializer,
        parameters=PAGES,
    )
    @open_to("statistics.see")
    def get(self, request: ApiRequest, room: str) -> Response:
        """The shows of the room, the latest first, each with its summary (the owner, admins, servers)."""
        found = asked_room(request, room)
        self.check_object_permissions(request, found)
        pages = RoomPages()
        pages.ordering = ("-id",)
        page = pages.paginate_queryset(selectors.sessions_of(room=found), request, view=self)
        return pages.get_paginated_response(all_shown(SessionSerializer, page))


class StatisticsView(APIView):
    @extend_schema(operation_id="sessions_statistics_get", responses=StatisticsSerializer, parameters=[SDKAPPID])
    @open_to("statistics.see")
    def get(self, request: ApiRequest, sequence: str) -> Response:
        """A show in numbers, minute by minute; also while it is on, about ten seconds behind."""
        session = asked_session(request, sequence)
        minutes, each = selectors.timeline(session=session, now=clock.now(), at_most=MOST_MINUTES)
        summary = getattr(session, "summary", None)
        return Response(
            {
                "session": shown(ShowSerializer, session),
                "summary": summary and shown(SummarySerializer, summary),
                "minutes_each": each,
                "minutes": all_shown(MinuteSerializer, minutes),
            }
        )


class StatisticsFileView(APIView):
    @extend_schema(
        operation_id="sessions_statistics_file_get",
        responses={(200, "text/csv"): OpenApiTypes.STR},
        parameters=[SDKAPPID],
    )
    @open_to("statistics.see")
    def get(self, request: ApiRequest, sequence: str) -> StreamingHttpResponse:
        """Every minute in which something was counted, as a CSV file."""
        return statistics_file(asked_session(request, sequence))


def statistics_file(session: LiveSession) -> StreamingHttpResponse:
    """For REST and for the console."""
    return csv_response(name=f"statistics-{session.sequence}.csv", header=HEADER, parts=_parts(session))


def _parts(session: LiveSession) -> Iterator[Sequence[Sequence[Any]]]:
    after = None
    while minutes := selectors.minutes_after(session=session, after=after, count=MINUTES_PER_PART):
        yield [_row(minute) for minute in minutes]
        after = minutes[-1].minute


def _row(minute: Minute) -> list[Any]:
    return [getattr(minute, name) for name in HEADER]
