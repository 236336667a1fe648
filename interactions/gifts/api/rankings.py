"""The door of the rankings: who gave most in a room."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from interactions.gifts.selectors import rankings
from interactions.gifts.selectors.rankings import Place
from liveroom.accounts.api.access import open_to
from liveroom.accounts.api.requests import ApiRequest
from liveroom.accounts.selectors import profile
from liveroom.kernel import clock
from liveroom.rooms.api.views import SDKAPPID, asked_room


class RankedUserSerializer(serializers.Serializer):
    id = serializers.CharField()
    nick = serializers.CharField()
    avatar = serializers.CharField(allow_blank=True)
    level = serializers.IntegerField()
    badges = serializers.ListField(child=serializers.CharField(), required=False, help_text="Beside the nick, if any.")


class PlaceSerializer(serializers.Serializer):
    place = serializers.IntegerField(help_text="From 1; who gave the same shares one.")
    user = RankedUserSerializer()
    value = serializers.IntegerField(help_text="What they gave, in the app's minor unit.")
    count = serializers.IntegerField(help_text="How many gifts.")


class RankingSerializer(serializers.Serializer):
    """`me` is there for who asks with a token and has given something, also below those that are shown."""

    scope = serializers.ChoiceField(choices=rankings.SCOPES)
    period = serializers.CharField(
        allow_blank=True, help_text="The show's sequence, 2026-11-21 or 2026-W47 (UTC); empty: ever, or no show yet."
    )
    entries = PlaceSerializer(many=True)
    me = PlaceSerializer(required=False)


class RankingView(APIView):
    @extend_schema(
        operation_id="rooms_ranking_get",
        responses=RankingSerializer,
        parameters=[
            SDKAPPID,
            OpenApiParameter("scope", str, enum=list(rankings.SCOPES), description="stream (default): the show that is on, else the last."),
            OpenApiParameter("limit", int, description=f"{rankings.SHOWN} unless you say otherwise, at most {rankings.MOST}."),
        ],
    )  # fmt: skip
    @open_to("room.enter")
    def get(self, request: ApiRequest, room: str) -> Response:
        """Who gave most in the room."""
        found = asked_room(request, room, enter=True)
        query = request.query_params
        raw = query.get("limit", "")
        limit = int(raw[:9]) if raw.isascii() and raw.isdigit() and int(raw[:9]) else rankings.SHOWN
        ranking = rankings.ranking(
            room=found,
            scope=query.get("scope", "stream"),
            limit=min(limit, rankings.MOST),
            now=clock.now(),
            person_id=request.user.person_id,
        )
        answer: dict[str, Any] = {
            "scope": ranking.scope,
            "period": ranking.period,
            "entries": [_shown(place) for place in ranking.places],
        }
        if ranking.mine is not None:
            answer["me"] = _shown(ranking.mine)
        return Response(answer)


def _shown(place: Place) -> dict[str, Any]:
    return {
        "place": place.place,
        "user": profile(place.person).as_dict(),
        "value": place.value,
        "count": place.count,
    }
