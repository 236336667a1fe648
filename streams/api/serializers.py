"""Shapes of streams and their addresses as they are shown; what may be sent: streams/shapes.py."""

from __future__ import annotations

from rest_framework import serializers

from streams.snapshots.rules import TROUBLES


class PushSerializer(serializers.Serializer):
    """`server` and `stream_key` go into OBS; `url` is both in one, for ffmpeg."""

    stream = serializers.CharField()
    server = serializers.CharField()
    stream_key = serializers.CharField()
    url = serializers.CharField()
    srt = serializers.CharField(
        help_text="For encoders that push by SRT: the server field of OBS, whose key field stays empty. Empty: off here."
    )
    expires_at = serializers.DateTimeField()


class UnplayableSerializer(serializers.Serializer):
    codec = serializers.CharField()
    message = serializers.CharField(help_text="For viewers.")


class TimeShiftAddressSerializer(serializers.Serializer):
    url = serializers.CharField(
        help_text="HLS: the whole window; `?from=` (Unix seconds) from there on, `?delay=` (seconds) a list that stays so far behind."
    )
    seconds = serializers.IntegerField(help_text="How far back it reaches at most.")
    delay = serializers.IntegerField(help_text="How many seconds this viewer is kept behind; 0: not.")

    def get_fields(self) -> dict[str, serializers.Field]:
        # A word of Python: it cannot be written as the others are.
        oldest = serializers.DateTimeField(help_text="The oldest moment that is there.")
        return {**super().get_fields(), "from": oldest}


class PlaySerializer(serializers.Serializer):
    """Where a template keeps viewers behind, `rtmp`, `flv` and `ll_hls` are empty, and `hls` is the delayed list (not for owner and
    admins)."""

    stream = serializers.CharField()
    rtmp = serializers.CharField(allow_blank=True)
    flv = serializers.CharField(allow_blank=True)
    hls = serializers.CharField()
    ll_hls = serializers.CharField(help_text="Low-latency HLS: parts of 0.2 s, about one second behind.")
    ladder = serializers.CharField(
        allow_null=True, help_text="An HLS master playlist of several qualities; null: there is none now."
    )
    timeshift = TimeShiftAddressSerializer(
        allow_null=True, help_text="To pause and to go back while it runs; null: there is no window."
    )
    expires_at = serializers.DateTimeField()
    unplayable = UnplayableSerializer(
        allow_null=True,
        help_text="Not null: the picture arrives in a codec that no browser plays; asking again does not help.",
    )


class StreamSerializer(serializers.Serializer):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    room = serializers.CharField(source="room.group_id")
    on_programme = serializers.BooleanField()
    made_by = serializers.CharField(help_text="mix or mark: made by this server; empty: encoders push it.")
    on_air = serializers.BooleanField()
    forbidden_until = serializers.DateTimeField(allow_null=True)
    forbidden_reason = serializers.CharField(allow_blank=True)


class StreamPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = StreamSerializer(many=True)


class CutSerializer(serializers.Serializer):
    cut = serializers.BooleanField(help_text="Whether somebody was publishing.")


class RefusalSerializer(serializers.Serializer):
    """`count` refusals of one kind from one address between `first_at` and `at`."""

    at = serializers.DateTimeField()
    first_at = serializers.DateTimeField()
    count = serializers.IntegerField()
    code = serializers.IntegerField()
    reason = serializers.CharField()
    text = serializers.CharField(help_text="For the streamer: what was wrong, what to do.")
    detail = serializers.CharField(allow_blank=True, help_text="The technical reason.")
    given = serializers.CharField(allow_blank=True, help_text="What was sent as a name, without the key.")
    address = serializers.CharField(allow_blank=True)
    own = serializers.BooleanField(
        help_text="From where the streamer pushed or looked at the key before, or with a real key."
    )


class TroubleSerializer(serializers.Serializer):
    trouble = serializers.ChoiceField(choices=TROUBLES)
    since = serializers.DateTimeField()
    text = serializers.CharField(help_text="What to look at.")


class HealthSerializer(serializers.Serializer):
    on_air = serializers.BooleanField()
    bitrate_kbps = serializers.IntegerField(allow_null=True)
    frame_rate = serializers.FloatField(allow_null=True)
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    video_codec = serializers.CharField(allow_blank=True)
    audio_codec = serializers.CharField(allow_blank=True)
    keyframe_seconds = serializers.FloatField(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    address = serializers.CharField(allow_blank=True)
    software = serializers.CharField(allow_blank=True)
    players = serializers.IntegerField()
    advice = serializers.ListField(child=serializers.CharField())
    troubles = TroubleSerializer(many=True)
    last_refusal = RefusalSerializer(allow_null=True)
    refusals = RefusalSerializer(many=True, help_text="The streamer's own first, then the newest.")
    tried_from_your_address = RefusalSerializer(
        many=True, help_text="Refused pushes that name no stream, from the address that asks, of the last day."
    )
