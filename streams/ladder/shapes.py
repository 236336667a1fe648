"""What may be heard of a ladder over REST."""

from __future__ import annotations

from rest_framework import serializers


class LadderSourceSerializer(serializers.Serializer):
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    frame_rate = serializers.FloatField(allow_null=True)
    video_codec = serializers.CharField(allow_blank=True)
    audio_codec = serializers.CharField(allow_blank=True)


class LadderRungSerializer(serializers.Serializer):
    name = serializers.CharField()
    width = serializers.IntegerField(allow_null=True, help_text="Null: sound only.")
    height = serializers.IntegerField(allow_null=True)
    video_bitrate_kbps = serializers.IntegerField(allow_null=True)
    audio_bitrate_kbps = serializers.IntegerField(allow_null=True)
    playing = serializers.BooleanField(help_text="Viewers can get it now.")


class LadderSerializer(serializers.Serializer):
    stream = serializers.CharField()
    state = serializers.ChoiceField(choices=["waiting", "running", "finishing", "done", "failed", "stopped"])
    reason = serializers.CharField(allow_blank=True, help_text="Why it waits.")
    template = serializers.CharField(allow_blank=True)
    preset = serializers.ChoiceField(choices=["fast", "balanced", "top_speed"], allow_null=True)
    content = serializers.ChoiceField(choices=["unknown", "natural", "screen", "animation"])
    source = LadderSourceSerializer(allow_null=True)  # type: ignore[assignment]
    rungs = LadderRungSerializer(many=True, help_text="From the highest to the lowest.")
    shed = serializers.ListField(child=serializers.CharField(), help_text="Left out: there is too little CPU.")
    cores = serializers.FloatField(help_text="Of the host's CPU, estimated.")
    speed = serializers.FloatField(allow_null=True, help_text="Media seconds per second; it falls behind below 1.")
    restarts = serializers.IntegerField()
    playing_since = serializers.DateTimeField(allow_null=True)
