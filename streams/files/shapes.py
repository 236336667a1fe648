"""Files as they are shown, and what may be said to announce one without tus."""

from __future__ import annotations

from rest_framework import serializers

from liveroom.kernel.web.fields import LineField, Shape, WholeNumberField, WordField
from streams.files.models import MediaFile
from streams.files.rules import NAME_BYTES


class FileWriteSerializer(Shape):
    room = WordField(filled=True, help_text="Whose owner may use it.")
    name = LineField(limit_bytes=NAME_BYTES, filled=True)
    size_bytes = WholeNumberField(1, 2**53, help_text="Of the whole file; LIVEROOM_UPLOAD_MAX_BYTES at most.")


class FilesQuery(Shape):
    room = WordField(default=None, help_text="Only this room's.")


class MediaFileSerializer(serializers.Serializer):
    """`reason`: why it was refused. What only a look can tell is null until then."""

    id = serializers.CharField()
    room = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=MediaFile.State.choices)
    reason = serializers.CharField(allow_blank=True)
    size_bytes = serializers.IntegerField()
    received_bytes = serializers.IntegerField(help_text="Where an upload goes on.")
    container = serializers.CharField(allow_blank=True, help_text="By its first bytes: mp4, flv, matroska, mpegts, …")
    duration_seconds = serializers.FloatField(allow_null=True)
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    video_codec = serializers.CharField(allow_blank=True)
    audio_codec = serializers.CharField(allow_blank=True)
    thumbnail = serializers.CharField(allow_null=True, help_text="A signed address, good for some hours.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True, help_text="When an unfinished upload is forgotten.")


class MediaFilePageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = MediaFileSerializer(many=True)
