"""Shapes of mutes and bans on the wire."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from liveroom.accounts.api.fields import UserIdField
from liveroom.accounts.selectors import profile
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.fields import Shape, TextField, WholeNumberField
from liveroom.rooms.api.serializers import OwnerSerializer
from moderation.rules.verdict import FOR_EVER_SECONDS, seconds_fault
from moderation.services.targets import REASON_BYTES

_LONGEST = f"From now on, at most {FOR_EVER_SECONDS}; that or null: until lifted."


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


class SecondsField(WholeNumberField):
    """How long a mute or ban lasts; null: until it is lifted. `zero`: 0 stands for lifting."""

    def __init__(self, *, zero: bool = False, **options: Any) -> None:
        self.zero = zero
        super().__init__(0 if zero else 1, FOR_EVER_SECONDS, null_means="until it is lifted", **options)

    def to_internal_value(self, data: Any) -> int:
        fault = seconds_fault(data, zero=self.zero)
        if fault is not None:
            raise BadParameter(fault, field="seconds", limit=FOR_EVER_SECONDS)
        return int(data)


class BanWriteSerializer(Shape):
    user = UserIdField()
    seconds = SecondsField(default=None, help_text=f"{_LONGEST} Left out: null.")
    reason = TextField(limit_bytes=REASON_BYTES, default="", help_text=f"For moderators; at most {REASON_BYTES} bytes.")


class MuteWriteSerializer(BanWriteSerializer):
    seconds = SecondsField(zero=True, help_text=f"{_LONGEST} 0 lifts.")


class MuteAllSerializer(serializers.Serializer):
    """Whether everybody but the owner and the admins is muted."""

    on = serializers.BooleanField()
    since = serializers.DateTimeField(allow_null=True)
    by = serializers.CharField(allow_null=True)
