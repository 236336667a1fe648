"""The archive over REST: what was said in a room, and what was sampled, for who runs it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.chat import selectors
from interactions.models import ArchivedMessage
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.kernel.web.fields import InstantField, Shape, WordField, YesNoField
from liveroom.kernel.web.shapes import all_shown, checked
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room


class ArchivedMessageSerializer(serializers.Serializer):
    """`seq` is null and `sampled` says why where nobody but the sender has seen it; otherwise it was delivered."""

    seq = serializers.IntegerField(allow_null=True)
    epoch = serializers.CharField()
    id = serializers.CharField(source="event_id", allow_blank=True)
    type = serializers.CharField()
    priority = serializers.CharField(allow_blank=True)
    sender = serializers.CharField(allow_blank=True, help_text="User id; empty: the system.")
    text = serializers.CharField(allow_blank=True)
    sampled = serializers.SerializerMethodField(help_text="rate, flood or full; null: it was delivered.")
    session = serializers.CharField(source="session.sequence", allow_null=True, default=None)
    at = serializers.DateTimeField()
    event = serializers.DictField(source="body", help_text="As viewers got it, or would have got it.")

    def get_sampled(self, row: ArchivedMessage) -> str | None:
        return row.sampled or None


class ArchivePageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ArchivedMessageSerializer(many=True)


class ArchiveQuery(Shape):
    since = InstantField(
        in_query=True, default=None, help_text="From this instant on: milliseconds since 1970, or ISO 8601."
    )
    until = InstantField(in_query=True, default=None, help_text="Before this instant.")
    sender = WordField(default=None, help_text="User id.")
    type = WordField(default=None, help_text="comment, status, notice …")
    sampled = YesNoField(
        in_query=True, default=None, help_text="true: only what was not delivered; false: only the rest."
    )


class ArchiveView(APIView):
    @extend_schema(
        operation_id="rooms_archive_list", responses=ArchivePageSerializer, parameters=[ArchiveQuery, *PAGES]
    )
    @open_to("room.archive")
    def get(self, request: ApiRequest, room: str) -> Response:
        """What was said in the room, newest first, as long as the app keeps it. About a second behind."""
        found = asked_room(request, room)
        self.check_object_permissions(request, found)
        rows = selectors.archived_messages(room=found, **checked(ArchiveQuery, request.query_params))
        pages = RoomPages()
        pages.ordering = ("-at", "-id")
        page = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(all_shown(ArchivedMessageSerializer, page))
