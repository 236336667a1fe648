"""Shapes of rooms on the wire; what may be said of a room: liveroom/rooms/shapes.py."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from liveroom.accounts.fields import UserIdField
from liveroom.accounts.selectors import profile
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.values import text
from liveroom.kernel.web.fields import (
    LineField,
    ListField,
    NumbersField,
    OneOfField,
    Shape,
    WholeNumberField,
    WordField,
    YesNoField,
    name_of,
)
from liveroom.rooms.models import Room
from liveroom.rooms.rules import counters as counter_rules
from liveroom.rooms.rules.ids import MAX_BYTES
from liveroom.rooms.rules.status import STATUS_CHOICES
from liveroom.rooms.selectors import SORTS, RoomIdMalformed, cover_of
from liveroom.rooms.shapes import TITLE_BYTES, RoomWriteSerializer

LARGEST_VERSION = 2**63 - 1


class OwnerSerializer(serializers.Serializer):
    id = serializers.CharField()
    nick = serializers.CharField()
    avatar = serializers.CharField(allow_blank=True)
    level = serializers.IntegerField()
    badges = serializers.ListField(child=serializers.CharField(), required=False, help_text="Beside the nick, if any.")


class RoomSerializer(Shape):
    """A room as everybody may see it."""

    id = serializers.CharField(source="group_id")
    sdkappid = serializers.IntegerField(source="app.sdkappid")
    title = serializers.CharField()
    introduction = serializers.CharField(allow_blank=True)
    notice = serializers.CharField(allow_blank=True)
    category = serializers.CharField(allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField())
    cover = serializers.SerializerMethodField(help_text="Address of a picture; empty: there is none.")
    status = serializers.ChoiceField(choices=STATUS_CHOICES)
    status_at = serializers.DateTimeField()
    starts_at = serializers.DateTimeField(allow_null=True)
    owner = serializers.SerializerMethodField()
    online = serializers.IntegerField()
    popularity = serializers.IntegerField(help_text="What was done here lately and who is here, weighed by the app.")
    visibility = serializers.ChoiceField(choices=["listed", "unlisted"])
    needs_password = serializers.SerializerMethodField()
    allow_list_only = serializers.BooleanField()
    viewer_limit = serializers.IntegerField(allow_null=True)
    bandwidth_limit_kbps = serializers.IntegerField(allow_null=True)
    messages_per_second = serializers.IntegerField(allow_null=True)
    message_bytes = serializers.IntegerField(allow_null=True)
    likes = serializers.IntegerField()
    fields_ = serializers.DictField(child=serializers.CharField(allow_blank=True))
    created_at = serializers.DateTimeField()

    def get_owner(self, room: Room) -> dict[str, Any]:
        return profile(room.owner).as_dict()

    def get_cover(self, room: Room) -> str:
        return cover_of(room)

    def get_needs_password(self, room: Room) -> bool:
        return bool(room.password)


class RoomPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RoomSerializer(many=True)


class RoomIdField(WordField):
    """Which ids may be chosen the service says; here it is text, and anything else has the same code (10015)."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise RoomIdMalformed(f"{name_of(self)} must be text.", field=name_of(self))
        return data


class RoomCreateSerializer(RoomWriteSerializer):
    """What may be sent to open a room; all but `title` may be left out."""

    title = LineField(limit_bytes=TITLE_BYTES, filled=True)
    id = RoomIdField(
        required=False, allow_null=True, max_length=MAX_BYTES,
        help_text="Printable ASCII, at most 48 bytes, no '/'. Left out: ten letters and digits; '@TGS#': a made one that begins so.",
    )  # fmt: skip
    owner = UserIdField(required=False, allow_null=True, help_text="Servers only: whose room it is.")
    create_owner = YesNoField(
        default=False, help_text="Make the owner's account where there is none; else an unknown owner is refused."
    )


class StatusSerializer(Shape):
    status = OneOfField(choices=STATUS_CHOICES)


class AttributeSerializer(serializers.Serializer):
    value = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField()


class AttributesSerializer(serializers.Serializer):
    version = serializers.IntegerField()
    attributes = serializers.DictField(child=AttributeSerializer())


class AttributeTextsField(serializers.DictField):
    """How many and how long the service says, of all that the room has then."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        name = name_of(self)
        if not isinstance(data, dict):
            raise BadParameter(f"{name} is an object of texts.", field=name)
        for key, value in data.items():
            text.judged_key(key, field=name)
            text.storable(value, field=key[:32])
        return data


class AttributesWriteSerializer(Shape):
    attributes = AttributeTextsField(child=serializers.CharField(allow_blank=True, trim_whitespace=False))
    version = WholeNumberField(
        0, LARGEST_VERSION, null_means="any", required=False,
        help_text="The room's version that you saw; another by now: 409.",
    )  # fmt: skip
    versions = NumbersField(required=False, help_text="The same per key.")


class CountersSerializer(serializers.Serializer):
    counters = serializers.DictField(child=serializers.IntegerField())


class CounterNumbersField(NumbersField):
    def to_internal_value(self, data: Any) -> dict[str, int]:
        found = super().to_internal_value(data)
        for key in found:
            text.judged_key(key, field="counters")
            if not 1 <= len(key.encode()) <= counter_rules.KEY_BYTES:
                raise BadParameter(
                    f"A counter's key has 1 to {counter_rules.KEY_BYTES} bytes.",
                    field="counters",
                    limit=counter_rules.KEY_BYTES,
                )
        return found


class CountersWriteSerializer(Shape):
    counters = CounterNumbersField()
    mode = OneOfField(choices=counter_rules.MODES, default="set")


class AllowListSerializer(Shape):
    users = ListField(of="user ids", child=WordField())


class AdminsSerializer(serializers.Serializer):
    admins = OwnerSerializer(many=True)


class RoomsQuery(Shape):
    search = WordField(default="", help_text="In title, introduction and id.")
    category = WordField(default="")
    tag = WordField(default="")
    status = OneOfField(choices=STATUS_CHOICES, allow_blank=True, default="")
    owner = WordField(default="", help_text="User id.")
    sort = OneOfField(choices=list(SORTS), default="online", help_text="online (default), start, new or popularity.")
