"""Queries and answers of traffic."""

from __future__ import annotations

from rest_framework import serializers

from liveroom.kernel.web.fields import InstantField, OneOfField, PageSizeField, Shape, WordField
from streams.traffic.rules import KINDS
from streams.traffic.selectors import STEPS

MOST_STREAMS = 100


class RangeQuery(Shape):
    from_ = InstantField(in_query=True, default=None, help_text="Left out: an hour before `to`.")
    to = InstantField(in_query=True, default=None, help_text="Left out: now.")


class TrafficQuery(RangeQuery):
    stream = WordField(default=None, help_text="Of this stream.")
    room = WordField(default=None, help_text="Of this room. Neither: of the whole app (servers and app admins).")
    step = OneOfField(
        choices=list(STEPS), default=None,
        help_text="minute for at most a day, hour for 32 days, day for 366; left out: the finest that may be.",
    )  # fmt: skip


class BusiestQuery(RangeQuery):
    limit = PageSizeField(usual=20, high=MOST_STREAMS)


class PointSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    in_bytes = serializers.IntegerField()
    out_bytes = serializers.IntegerField()
    in_kbps = serializers.IntegerField(help_text="On average over the step.")
    out_kbps = serializers.IntegerField()
    requests = serializers.IntegerField(help_text="Connections and requests that began.")
    kinds = serializers.DictField(child=serializers.IntegerField(), help_text=f"Bytes by kind: {', '.join(KINDS)}.")


class PeakSerializer(serializers.Serializer):
    kbps = serializers.IntegerField()
    at = serializers.DateTimeField(allow_null=True)


class TrafficSerializer(serializers.Serializer):
    """Points stand only where there was traffic. `in_kbps` and `out_kbps` are of the last one to two minutes, the peaks of the busiest
    minute in the range."""

    step_seconds = serializers.IntegerField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    in_bytes = serializers.IntegerField()
    out_bytes = serializers.IntegerField()
    kinds = serializers.DictField(child=serializers.IntegerField())
    in_kbps = serializers.IntegerField()
    out_kbps = serializers.IntegerField()
    in_peak = PeakSerializer()
    out_peak = PeakSerializer()
    points = PointSerializer(many=True)


class ShareSerializer(serializers.Serializer):
    stream = serializers.CharField()
    room = serializers.CharField()
    in_bytes = serializers.IntegerField()
    out_bytes = serializers.IntegerField()
    requests = serializers.IntegerField(help_text="Connections and requests of viewers that began.")


class BusiestSerializer(serializers.Serializer):
    results = ShareSerializer(many=True)
