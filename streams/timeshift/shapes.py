"""What may be heard of a window over REST."""

from __future__ import annotations

from rest_framework import serializers


class TimeShiftSerializer(serializers.Serializer):
    stream = serializers.CharField()
    state = serializers.ChoiceField(choices=["waiting", "running", "stopped"])
    template = serializers.CharField(allow_blank=True, help_text="Empty: the deployment's default, or none.")
    seconds = serializers.IntegerField(help_text="How far back viewers may go; 0: not at all.")
    item_seconds = serializers.IntegerField(allow_null=True)
    delay = serializers.IntegerField(help_text="How many seconds viewers are kept behind.")
    to = serializers.DateTimeField(allow_null=True, help_text="The newest moment that was written.")
    size_bytes = serializers.IntegerField()
    short = serializers.CharField(allow_blank=True, help_text="Why it reaches less far back than it should.")

    def get_fields(self) -> dict[str, serializers.Field]:
        # A word of Python: it cannot be written as the others are.
        oldest = serializers.DateTimeField(allow_null=True, help_text="The oldest moment that is there.")
        return {**super().get_fields(), "from": oldest}
