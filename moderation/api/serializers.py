"""Shapes of mutes and bans as they are shown."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from liveroom.accounts.selectors import profile
from liveroom.rooms.api.serializers import OwnerSerializer


class MeasureSerializer(serializers.Serializer):
    """A mute or a ban: of whom, until when (null: until lifted), since when, by whom and why."""

    user = serializers.SerializerMethodField()
    until = serializers.DateTimeField(allow_null=True)
    since = serializers.DateTimeField()
    by = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)

    @extend_schema_field(OwnerSerializer)
    def get_user(self, row: Any) -> dict[str, str | int]:
        return profile(row.person).as_dict()


class MeasurePageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = MeasureSerializer(many=True)


class MuteAllSerializer(serializers.Serializer):
    """Whether everybody but the owner and the admins is muted."""

    on = serializers.BooleanField()
    since = serializers.DateTimeField(allow_null=True)
    by = serializers.CharField(allow_null=True)
