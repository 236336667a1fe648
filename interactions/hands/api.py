"""Raised hands over REST: raise yours, lower it; for moderators, who is waiting."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.delivery.events import ms
from interactions.hands import services
from interactions.hands.commands import HANDS
from interactions.hands.selectors import hands_of
from interactions.models import Hand
from interactions.requests import AddressThrottle
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest
from liveroom.accounts.api.throttles import CountedThrottle
from liveroom.accounts.selectors import profile
from liveroom.kernel import clock
from liveroom.kernel.web.http import client_address
from liveroom.rooms.api.requests import PAGES, RoomPages, asked_room


class HandSerializer(serializers.Serializer):
    user = serializers.DictField(help_text="Whose it is: id, nick, avatar, level.")
    raised_at = serializers.IntegerField(help_text="Unix milliseconds.")


class HandPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = HandSerializer(many=True)


class HandsOfAddress(AddressThrottle):
    limit = HANDS


class HandThrottle(CountedThrottle):
    """Of one user, in all rooms."""

    what, limit, per_seconds = "hand", HANDS.count, 60


class HandsView(APIView):
    throttle_classes = [HandsOfAddress, HandThrottle]

    @extend_schema(operation_id="rooms_hands_list", responses=HandPageSerializer, parameters=[SDKAPPID, *PAGES])
    @open_to("hand.manage")
    def get(self, request: ApiRequest, room: str) -> Response:
        """Who wants to be heard (owner and admins), the first to raise a hand first."""
        found = asked_room(request, room)
        self.check_object_permissions(request, found)
        pages = RoomPages()
        pages.ordering = ("id",)
        page: Any = pages.paginate_queryset(hands_of(found), request, view=self)
        return pages.get_paginated_response([_shown(hand) for hand in page])

    @extend_schema(operation_id="rooms_hands_raise", request=None, responses=HandSerializer)
    @open_to("hand.raise")
    def post(self, request: ApiRequest, room: str) -> Response:
        """Raise your hand, while a show is on. Twice is once; it is up until you, a moderator or the end of the show lowers it."""
        found = asked_room(request, room, enter=True)
        return Response(_shown(services.raise_hand(room=found, by=request.user, now=clock.now())))

    @extend_schema(operation_id="rooms_hands_lower", responses={204: None})
    @open_to("hand.lower")
    def delete(self, request: ApiRequest, room: str) -> Response:
        """Lower your hand."""
        services.lower_hand(room=asked_room(request, room, enter=True), by=request.user, now=clock.now())
        return Response(status=204)


class HandView(APIView):
    @extend_schema(operation_id="rooms_hands_lower_one", responses={204: None})
    @open_to("hand.manage")
    def delete(self, request: ApiRequest, room: str, user: str) -> Response:
        """Lower somebody's hand (owner and admins); its person is told."""
        services.lower_hand_of(
            room=asked_room(request, room), identifier=user, by=request.user, now=clock.now(),
            address=client_address(request),
        )  # fmt: skip
        return Response(status=204)


def _shown(hand: Hand) -> dict[str, Any]:
    return {"user": profile(hand.person).as_dict(), "raised_at": ms(hand.raised_at)}
