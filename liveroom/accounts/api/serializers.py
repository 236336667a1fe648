"""Shapes of people and tokens as they are shown; what may be sent: liveroom/accounts/shapes.py."""

from __future__ import annotations

from rest_framework import serializers

from liveroom.accounts.models import Person
from liveroom.kernel.web.fields import Shape


class MeSerializer(Shape):
    id = serializers.CharField(source="identifier", read_only=True)
    sdkappid = serializers.IntegerField(source="app.sdkappid", read_only=True)
    nick = serializers.CharField(required=False, allow_blank=True)
    avatar = serializers.CharField(required=False, allow_blank=True)
    level = serializers.IntegerField(read_only=True)
    role = serializers.IntegerField(read_only=True)
    fields_ = serializers.DictField(child=serializers.CharField(allow_blank=True), required=False)
    app_admin = serializers.SerializerMethodField()

    def get_app_admin(self, person: Person) -> bool:
        return person.identifier in person.app.admin_identifiers


class TokenSerializer(serializers.Serializer):
    sdkappid = serializers.IntegerField()
    identifier = serializers.CharField()
    usersig = serializers.CharField()
    expires_at = serializers.DateTimeField()


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


class UsersSerializer(serializers.Serializer):
    users = UserSerializer(many=True)
