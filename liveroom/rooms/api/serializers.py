"""Shapes of rooms on the wire. Limits are checked by the services, which name field, limit and what was given."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from liveroom.accounts.selectors import profile
from liveroom.rooms.models import Room
from liveroom.rooms.rules.status import STATUS_CHOICES


class OwnerSerializer(serializers.Serializer):
    id = serializers.CharField()
    nick = serializers.CharField()
    avatar = serializers.CharField(allow_blank=True)
    level = serializers.IntegerField()
    badges = serializers.ListField(child=serializers.CharField(), required=False, help_text="Beside the nick, if any.")


class RoomSerializer(serializers.Serializer):
    """A room as everybody may see it."""

    id = serializers.CharField(source="group_id")
    sdkappid = serializers.IntegerField(source="app.sdkappid")
    title = serializers.CharField()
    introduction = serializers.CharField(allow_blank=True)
    notice = serializers.CharField(allow_blank=True)
    category = serializers.CharField(allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField())
    cover = serializers.CharField(allow_blank=True)
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
    fields_ = serializers.DictField(source="fields", child=serializers.CharField(allow_blank=True))
    created_at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        found["fields"] = found.pop("fields_")
        found["fields"].source = None
        return found

    def get_owner(self, room: Room) -> dict[str, Any]:
        return profile(room.owner).as_dict()

    def get_needs_password(self, room: Room) -> bool:
        return bool(room.password)


class RoomPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RoomSerializer(many=True)


class RoomWriteSerializer(serializers.Serializer):
    """What may be sent to make or change a room; all but `title` may be left out."""

    title = serializers.CharField(required=False, help_text="At most 100 bytes.")
    introduction = serializers.CharField(required=False, allow_blank=True, help_text="At most 240 bytes.")
    notice = serializers.CharField(
        required=False, allow_blank=True, help_text="At most 300 bytes; text, or JSON with text and images."
    )
    category = serializers.CharField(required=False, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    cover = serializers.CharField(required=False, allow_blank=True)
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    viewer_limit = serializers.IntegerField(required=False, allow_null=True)
    bandwidth_limit_kbps = serializers.IntegerField(required=False, allow_null=True)
    messages_per_second = serializers.IntegerField(
        required=False, allow_null=True, help_text="1 to 1000; null: as the app says (40)."
    )
    message_bytes = serializers.IntegerField(
        required=False, allow_null=True, help_text="100 to 8192; null: as the app says."
    )
    fields_ = serializers.DictField(required=False)
    visibility = serializers.ChoiceField(choices=["listed", "unlisted"], required=False)
    password = serializers.CharField(required=False, allow_blank=True, write_only=True, help_text="Empty: none.")
    allow_list_only = serializers.BooleanField(required=False)

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        found["fields"] = found.pop("fields_")
        return found


class RoomCreateSerializer(RoomWriteSerializer):
    id = serializers.CharField(
        required=False,
        help_text="Printable ASCII, at most 48 bytes, no '/'. Left out: ten letters and digits; '@TGS#': a made one that begins so.",
    )
    owner = serializers.CharField(required=False, help_text="Servers only: whose room it is.")
    create_owner = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Make the owner's account where there is none; else an unknown owner is refused.",
    )
    title = serializers.CharField(help_text="At most 100 bytes.")


class StatusSerializer(serializers.Serializer):
    status = serializers.ChoiceField(choices=STATUS_CHOICES)


class AttributeSerializer(serializers.Serializer):
    value = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField()


class AttributesSerializer(serializers.Serializer):
    version = serializers.IntegerField()
    attributes = serializers.DictField(child=AttributeSerializer())


class AttributesWriteSerializer(serializers.Serializer):
    attributes = serializers.DictField(child=serializers.CharField(allow_blank=True, trim_whitespace=False))
    version = serializers.IntegerField(
        required=False, help_text="The room's version that you saw; another by now: 409."
    )
    versions = serializers.DictField(child=serializers.IntegerField(), required=False, help_text="The same per key.")


class CountersSerializer(serializers.Serializer):
    counters = serializers.DictField(child=serializers.IntegerField())


class CountersWriteSerializer(CountersSerializer):
    mode = serializers.ChoiceField(choices=["set", "increase", "decrease"], default="set")


class AllowListSerializer(serializers.Serializer):
    users = serializers.ListField(child=serializers.CharField())


class AdminsSerializer(serializers.Serializer):
    admins = OwnerSerializer(many=True)
