"""How snapshots are asked for and answered over REST."""

from __future__ import annotations

from rest_framework import serializers

from liveroom.kernel.web.fields import OneOfField, Shape, WordField
from streams.snapshots.models import BLOCK, DONE, FAILED, PASS, VERDICTS, WAITING

STATES = (WAITING, DONE, FAILED)


class SnapshotWriteSerializer(Shape):
    unknown = "A snapshot has no field {name} that can be sent."

    stream = WordField(filled=True, max_length=64, help_text="The name of a stream that is on air.")


class SnapshotDecisionSerializer(Shape):
    unknown = "A decision has no field {name}."

    verdict = OneOfField(
        choices=(PASS, BLOCK), help_text="block cuts the stream and refuses it until somebody allows it again."
    )


class SnapshotsQuery(Shape):
    stream = WordField(filled=True, max_length=64)
    state = OneOfField(choices=STATES, required=False)
    verdict = OneOfField(choices=VERDICTS, required=False)


class SnapshotSerializer(serializers.Serializer):
    """`url` is signed and good for an hour; empty while there is no picture."""

    id = serializers.CharField(source="number")
    stream = serializers.CharField(source="stream.name")
    state = serializers.ChoiceField(choices=STATES)
    reason = serializers.CharField(allow_blank=True, help_text="Why it failed.")
    asked_at = serializers.DateTimeField()
    taken_at = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField(allow_blank=True)
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    size_bytes = serializers.IntegerField()
    review = serializers.CharField(allow_blank=True, help_text="Empty: nobody judges it; waiting, done or failed.")
    verdict = serializers.CharField(allow_blank=True, help_text="pass, review or block.")
    labels = serializers.ListField(child=serializers.CharField())
    score = serializers.FloatField(allow_null=True)


class SnapshotPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = SnapshotSerializer(many=True)
