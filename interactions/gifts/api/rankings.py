"""The rankings over REST: who gave most in a room."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.gifts.selectors import rankings
from interactions.gifts.selectors.rankings import Place
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import SDKAPPID, ApiRequest
from liveroom.accounts.selectors import profile
from liveroom.kernel import clock
from liveroom.kernel.web.fields import OneOfField, PageSizeField, Shape
from liveroom.kernel.web.shapes import checked, shown
from liveroom.rooms.api.requests import asked_room


class RankedUserSerializer(serializers.Serializer):
    id = serializers.CharField()
    nick = serializers.CharField()
    avatar = serializers.CharField(allow_blank=True)
    level = serializers.IntegerField()
    badges = serializers.ListField(child=serializers.CharField(), required=False, help_text="Beside the nick, if any.")


class PlaceSerializer(serializers.Serializer):
    place = serializers.IntegerField(help_text="From 1; who gave the same shares one.")
    user = serializers.SerializerMethodField()
    value = serializers.IntegerField(help_text="What they gave, in the app's minor unit.")
    count = serializers.IntegerField(help_text="How many gifts.")

    @extend_schema_field(RankedUserSerializer)
    def get_user(self, place: Place) -> dict[str, Any]:
        return profile(place.person).as_dict()


class RankingSerializer(serializers.Serializer):
    """`me` is there for who asks with a token and has given something, also below those that are shown."""

    scope = serializers.ChoiceField(choices=rankings.SCOPES)
    period = serializers.CharField(
        allow_blank=True, help_text="The show's sequence, 2026-11-21 or 2026-W47 (UTC); empty: ever, or no show yet."
    )
    entries = PlaceSerializer(many=True)
    me = PlaceSerializer(required=False)


class RankingQuerySerializer(Shape):
    scope = OneOfField(
        choices=list(rankings.SCOPES), default="stream", help_text="stream: the show that is on, else the last."
    )
    limit = PageSizeField(usual=rankings.SHOWN, high=rankings.MOST)


class RankingView(APIView):
    @extend_schema(
        operation_id="rooms_ranking_get", responses=RankingSerializer, parameters=[SDKAPPID, RankingQuerySerializer]
    )
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        """Who gave most in the room."""
        said = checked(RankingQuerySerializer, request.query_params)
        ranking = rankings.ranking(
            room=asked_room(request, room, enter=True),
            scope=said["scope"],
            limit=said["limit"],
            now=clock.now(),
            person_id=request.user.person_id,
        )
        answer: dict[str, Any] = {"scope": ranking.scope, "period": ranking.period, "entries": ranking.places}
        if ranking.mine is not None:
            answer["me"] = ranking.mine
        return Response(shown(RankingSerializer, answer))
