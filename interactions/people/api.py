"""People among each other, over REST: who somebody is, whom one follows, how far one has come; memberships for the app's server."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.models import Follow
from interactions.people import selectors
from interactions.people.services import follows as follow_services
from interactions.people.services import memberships
from liveroom.accounts.api.access import PEOPLE, open_to
from liveroom.accounts.api.requests import ApiRequest, asked_app, asked_person
from liveroom.accounts.api.serializers import UserSerializer
from liveroom.accounts.api.throttles import CountedThrottle
from liveroom.accounts.api.views import UserView
from liveroom.accounts.models import Person
from liveroom.accounts.selectors import profile
from liveroom.accounts.services.people import person_of
from liveroom.kernel import clock, permission
from liveroom.kernel.web.fields import InstantField, Shape
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.shapes import all_shown, checked, shown
from liveroom.rooms.api.requests import RoomPages


class PersonSerializer(serializers.Serializer):
    """Everybody sees the first ones; the app's server the rest, too."""

    id = serializers.CharField()
    nick = serializers.CharField()
    avatar = serializers.CharField(allow_blank=True)
    level = serializers.IntegerField()
    badges = serializers.ListField(child=serializers.CharField(), required=False, help_text="Labels, at most three.")
    followers = serializers.IntegerField()
    follows = serializers.IntegerField(help_text="How many this one follows.")
    is_following = serializers.BooleanField(required=False, help_text="Whether you follow this one; not for servers.")
    sdkappid = serializers.IntegerField(required=False)
    role = serializers.IntegerField(required=False)
    fields_ = serializers.DictField(child=serializers.CharField(allow_blank=True), required=False)
    app_admin = serializers.BooleanField(required=False)
    blocked = serializers.BooleanField(required=False)

    def get_fields(self) -> dict[str, Any]:
        found = super().get_fields()
        found["fields"] = found.pop("fields_")
        return found


class FollowSerializer(serializers.Serializer):
    is_following = serializers.BooleanField()
    followers = serializers.IntegerField(help_text="How many follow that user now.")


class ProfileSerializer(serializers.Serializer):
    id = serializers.CharField()
    nick = serializers.CharField()
    avatar = serializers.CharField(allow_blank=True)
    level = serializers.IntegerField()
    badges = serializers.ListField(child=serializers.CharField(), required=False)


class FollowedSerializer(ProfileSerializer):
    since = serializers.DateTimeField()


class FollowsPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = FollowedSerializer(many=True)


class MeasuresSerializer(serializers.Serializer):
    minutes = serializers.IntegerField(help_text="Online in rooms.")
    messages = serializers.IntegerField()
    likes = serializers.IntegerField()
    gift_value = serializers.IntegerField(help_text="In the app's minor unit.")
    member = serializers.BooleanField()


class HeldBadgeSerializer(serializers.Serializer):
    id = serializers.CharField(source="code")
    label = serializers.CharField()  # type: ignore[assignment]
    name = serializers.CharField()


class StandingSerializer(serializers.Serializer):
    """`next_level_at`: points at which the next level begins; null: there is none."""

    level = serializers.IntegerField()
    points = serializers.IntegerField()
    next_level_at = serializers.IntegerField(allow_null=True)
    measures = MeasuresSerializer()
    badges = HeldBadgeSerializer(many=True)


class MembershipWriteSerializer(Shape):
    until = InstantField(default=None, allow_null=True, help_text="Left out or null: until it is ended.")


class MembershipSerializer(serializers.Serializer):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)


class PersonView(UserView):
    """`/users/{user}`: what accounts know of somebody, and what is known here."""

    @extend_schema(operation_id="users_get", responses=PersonSerializer)
    @open_to("user.see")
    def get(self, request: ApiRequest, user: str) -> Response:
        """How a user is shown, how many follow it, and whether you do. Servers with the scope `people` see the whole user."""
        permission.ask("user.see", actor=request.user)
        person = person_of(app=asked_app(request), identifier=user)
        answer: dict[str, Any] = {}
        if request.user.acts_for_app:
            answer.update(shown(UserSerializer, person))
        answer.update(profile(person).as_dict())
        answer["followers"] = selectors.follower_count(person_id=person.pk)
        answer["follows"] = Follow.objects.filter(follower=person).count()
        if isinstance(request.auth, Person):
            answer["is_following"] = bool(selectors.following_pairs([(request.auth.pk, person.pk)]))
        return Response(answer)


class FollowsThrottle(CountedThrottle):
    what, limit, per_seconds = "follow", 60, 60


class FollowView(APIView):
    throttle_classes = [FollowsThrottle]

    @extend_schema(operation_id="users_follow", request=None, responses=FollowSerializer)
    @open_to("user.follow")
    def put(self, request: ApiRequest, user: str) -> Response:
        """Follow a user: you are told on your open sockets when a show of its room begins. Twice is once."""
        return self._answer(request, user, follows=True)

    @extend_schema(operation_id="users_unfollow", responses={200: FollowSerializer})
    @open_to("user.follow")
    def delete(self, request: ApiRequest, user: str) -> Response:
        return self._answer(request, user, follows=False)

    def _answer(self, request: ApiRequest, user: str, *, follows: bool) -> Response:
        person = asked_person(request)
        act = follow_services.follow if follows else follow_services.unfollow
        count = act(person=person, identifier=user, by=request.user, now=clock.now())
        return Response({"is_following": follows, "followers": count})


class FollowPages(RoomPages):
    ordering = ("-at", "-id")


class FollowsView(APIView):
    @extend_schema(
        operation_id="me_follows_list",
        responses=FollowsPageSerializer,
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
    )
    @open_to(PEOPLE)
    def get(self, request: ApiRequest) -> Response:
        """Whom you follow, the latest first."""
        rows = Follow.objects.filter(follower=asked_person(request)).select_related("streamer")
        pages = FollowPages()
        page = pages.paginate_queryset(rows, request, view=self)
        found = [{**profile(row.streamer).as_dict(), "since": row.at} for row in page]
        return pages.get_paginated_response(all_shown(FollowedSerializer, found))


class StandingView(APIView):
    @extend_schema(operation_id="me_standing_get", responses=StandingSerializer)
    @open_to(PEOPLE)
    def get(self, request: ApiRequest) -> Response:
        """How far you have come, and what is missing to the next level."""
        found = selectors.progress_of(person=asked_person(request), now=clock.now())
        return Response(shown(StandingSerializer, found))


class MembershipView(APIView):
    @extend_schema(
        operation_id="users_membership_give", request=MembershipWriteSerializer, responses=MembershipSerializer
    )
    @open_to("people.manage")
    def put(self, request: ApiRequest, user: str) -> Response:
        """The user is a member from now on (servers with the scope `people`); again: it is one until then."""
        person, said = _asked(request, user), checked(MembershipWriteSerializer, request.data)
        found = memberships.give_membership(
            person=person,
            until=said["until"],
            by=request.user,
            now=clock.now(),
            address=client_address(request),
        )
        return Response(shown(MembershipSerializer, found))

    @extend_schema(operation_id="users_membership_end", responses={204: None})
    @open_to("people.manage")
    def delete(self, request: ApiRequest, user: str) -> Response:
        memberships.end_membership(
            person=_asked(request, user), by=request.user, now=clock.now(), address=client_address(request)
        )
        return Response(status=204)


def _asked(request: ApiRequest, user: str) -> Person:
    """Asked before anybody learns who is a user here."""
    permission.ask("people.manage", actor=request.user)
    return person_of(app=asked_app(request), identifier=user)
