"""Shapes of people and tokens on the wire."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from liveroom.accounts.models import Person


class MeSerializer(serializers.Serializer):
    id = serializers.CharField(source="identifier", read_only=True)
    sdkappid = serializers.IntegerField(source="app.sdkappid", read_only=True)
    nick = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    avatar = serializers.CharField(required=False, allow_blank=True)
    level = serializers.IntegerField(read_only=True)
    role = serializers.IntegerField(read_only=True)
    fields_ = serializers.DictField(source="fields", child=serializers.CharField(allow_blank=True), required=False)
    app_admin = serializers.SerializerMethodField()

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        found["fields"] = found.pop("fields_")
        found["fields"].source = None
        return found

    def get_app_admin(self, person: Person) -> bool:
        return person.identifier in person.app.admin_identifiers


class TokenRequestSerializer(serializers.Serializer):
    identifier = serializers.CharField(max_length=200, help_text="The user id, at most 32 bytes.")
    expire = serializers.IntegerField(default=86400, help_text="Lifetime in seconds.")


class TokenSerializer(serializers.Serializer):
    sdkappid = serializers.IntegerField()
    identifier = serializers.CharField()
    usersig = serializers.CharField()
    expires_at = serializers.DateTimeField()


class DemoTokenRequestSerializer(serializers.Serializer):
    nick = serializers.CharField(max_length=1024, help_text="How the others see you.")


class DemoTokenSerializer(serializers.Serializer):
    user = serializers.CharField()
    nick = serializers.CharField()
    usersig = serializers.CharField()
    expires_at = serializers.DateTimeField()


class UserSerializer(MeSerializer):
    """A user as the app's server sees it."""

    level = serializers.IntegerField(required=False)
    role = serializers.IntegerField(required=False)
    blocked = serializers.BooleanField(read_only=True)


class UserImportSerializer(UserSerializer):
    id = serializers.CharField(help_text="At most 32 bytes.")


class UsersImportSerializer(serializers.Serializer):
    users = UserImportSerializer(many=True, help_text="At most 100.")


class UsersSerializer(serializers.Serializer):
    users = UserSerializer(many=True)
