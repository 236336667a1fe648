"""How draws are answered over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


class ConditionsSerializer(serializers.Serializer):
    """What an entrant has to be; what is left out is not asked for."""

    min_level = serializers.IntegerField(required=False)
    follower = serializers.BooleanField(required=False, help_text="Follows the room's owner.")
    gift = serializers.BooleanField(required=False, help_text="Gave a gift in this show.")
    member = serializers.BooleanField(required=False, help_text="Is a member of the app.")


class WinnerSerializer(serializers.Serializer):
    id = serializers.CharField()
    nick = serializers.CharField()
    avatar = serializers.CharField(allow_blank=True)


@extend_schema_field(
    {"oneOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#/components/schemas/Winner"}}]}
)
class WinnersField(serializers.JSONField):
    pass


class DrawSerializer(serializers.Serializer):
    """As in the events `draw_open` and `draw_result`. The last five are there once it was drawn or cancelled."""

    id = serializers.CharField()
    keyword = serializers.CharField()
    prize = serializers.CharField()
    winners = WinnersField(help_text="How many there will be; of a draw that is over: who they are, in their order.")
    conditions = ConditionsSerializer()
    opens_at = serializers.IntegerField(help_text="Unix ms.")
    closes_at = serializers.IntegerField(help_text="Unix ms.")
    commitment = serializers.CharField(help_text="SHA-256 of the seed.")
    status = serializers.ChoiceField(choices=["planned", "open", "drawn", "cancelled"])
    won = serializers.IntegerField(required=False, help_text="How many won.")
    entrants = serializers.IntegerField(required=False, help_text="How many took part.")
    seed = serializers.CharField(required=False, allow_null=True, help_text="Null of a cancelled draw.")
    entrants_sha256 = serializers.CharField(required=False, allow_null=True)


class DrawPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends. Each shows its first 50 winners."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = DrawSerializer(many=True)


class ChecksSerializer(serializers.Serializer):
    commitment = serializers.BooleanField(help_text="The seed is the one that was promised.")
    entrants = serializers.BooleanField(help_text="The list of entrants has the hash that was told.")
    winners = serializers.BooleanField(help_text="Seed and entrants make these winners.")


class VerificationSerializer(serializers.Serializer):
    """Everything that makes the result (interactions/draws/README.md, "Checking a draw"), computed anew."""

    draw = serializers.CharField(source="draw.number", help_text="The id, which is a part of every lot.")
    algorithm = serializers.CharField()
    seed = serializers.CharField(source="draw.seed")
    commitment = serializers.CharField(source="draw.commitment")
    entrants = serializers.ListField(child=serializers.CharField(), help_text="User ids, sorted by their UTF-8 bytes.")
    entrants_sha256 = serializers.CharField(source="draw.entrants_sha256")
    count = serializers.IntegerField(source="draw.winners_count", help_text="How many winners were promised.")
    winners = serializers.ListField(child=serializers.CharField(), help_text="User ids in their order.")
    checks = ChecksSerializer()
    ok = serializers.BooleanField()
