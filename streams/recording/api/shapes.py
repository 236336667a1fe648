"""Bodies of recordings and clips, and how they are shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.fields import (
    InstantField,
    LineField,
    OneOfField,
    Shape,
    WholeNumberField,
    WordField,
    YesNoField,
    name_of,
)
from streams.recording.chapters import TITLE_CHARACTERS
from streams.recording.rules import (
    FORMATS,
    LONGEST_FLOW_SECONDS,
    LONGEST_SPLIT_SECONDS,
    SHORTEST_SPLIT_SECONDS,
)

_FORMATS = ", ".join(FORMATS)
SMALLEST_SPLIT_BYTES, LARGEST_SPLIT_BYTES = 1_000_000, 1_000_000_000_000
LONGEST_STORAGE_SECONDS = 93_312_000


LONGEST_SECONDS = 10_000_000


class SecondsField(serializers.FloatField):
    """A number of seconds, with fractions; no text, and no infinity."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=LONGEST_SECONDS, **options)

    def to_internal_value(self, data: Any) -> float:
        if type(data) not in (int, float) or not 0 <= data <= LONGEST_SECONDS:
            name = name_of(self)
            raise BadParameter(f"{name} is a number of seconds from 0 to {LONGEST_SECONDS:,}.", field=name)
        return float(data)


class RecordingCreateSerializer(Shape):
    stream = WordField(filled=True, help_text="A stream's name.")
    format = OneOfField(choices=FORMATS, default="mp4")
    split_seconds = WholeNumberField(
        default=0, low=0, high=LONGEST_SPLIT_SECONDS,
        help_text=f"A new file at the keyframe after so long, {SHORTEST_SPLIT_SECONDS} to {LONGEST_SPLIT_SECONDS}; 0: one file.",
    )  # fmt: skip
    split_bytes = WholeNumberField(
        default=0, low=0, high=LARGEST_SPLIT_BYTES,
        help_text=f"A new file before it grows larger, {SMALLEST_SPLIT_BYTES} bytes or more; 0: whatever its size.",
    )  # fmt: skip
    flow_continue_seconds = WholeNumberField(
        required=False, low=0, high=LONGEST_FLOW_SECONDS,
        help_text="A publisher who is back within so long goes on in the same recording. Left out: as the room waits (120).",
    )  # fmt: skip
    storage_seconds = WholeNumberField(
        default=0, low=0, high=LONGEST_STORAGE_SECONDS, help_text="How long it is kept; 0: until it is deleted."
    )
    playback = YesNoField(default=True, help_text="The room becomes played back with it.")
    until = InstantField(required=False, allow_null=True, help_text="It ends by itself then.")


class ClipOfRoomSerializer(Shape):
    seconds = SecondsField(help_text="The last so many seconds of the programme, 1 to 600.")
    title = LineField(limit_bytes=100, required=False, default="")


class ClipCreateSerializer(Shape):
    from_seconds = SecondsField(help_text="Of the recording's own time.")
    to_seconds = SecondsField(help_text="At most 600 seconds later, in the same file.")
    title = LineField(limit_bytes=100, required=False, default="")


class ChapterCreateSerializer(Shape):
    seconds = SecondsField(help_text="Its place in the recording.")
    title = LineField(limit_bytes=TITLE_CHARACTERS, filled=True)


class ChapterSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    kind = serializers.CharField(help_text="status, gifts or hand")
    title = serializers.CharField()
    seconds = serializers.FloatField(allow_null=True, help_text="Null: not known while it is being recorded.")


class FileSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    state = serializers.CharField()
    reason = serializers.CharField()
    started_at = serializers.DateTimeField()
    offset_seconds = serializers.FloatField(help_text="Where it begins in the recording's own time.")
    duration_seconds = serializers.FloatField()
    size_bytes = serializers.IntegerField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    video_codec = serializers.CharField()
    audio_codec = serializers.CharField()
    frames = serializers.IntegerField()
    url = serializers.CharField(allow_null=True, help_text="To download.")
    play_url = serializers.CharField(allow_null=True, help_text="To play.")


class RecordingSerializer(serializers.Serializer[Any]):
    """`url`, `play_url`: of its first file, signed, good for some hours; null until there is one. All its files stand in `files`."""

    id = serializers.CharField()
    stream = serializers.CharField()
    room = serializers.CharField()
    session = serializers.CharField(allow_null=True)
    state = serializers.CharField(help_text="waiting running finishing done failed stopped")
    reason = serializers.CharField(help_text="Why it waits, ended early or failed.")
    format = serializers.CharField(help_text=_FORMATS)
    origin = serializers.CharField(help_text="rule, api or hand")
    template = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    duration_seconds = serializers.FloatField()
    size_bytes = serializers.IntegerField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    cover = serializers.CharField(allow_null=True)
    thumbnails = serializers.CharField(allow_null=True, help_text="10 × 10 small pictures in one, row by row.")
    thumbnails_every_seconds = serializers.FloatField()
    url = serializers.CharField(allow_null=True)
    play_url = serializers.CharField(allow_null=True)
    files = FileSerializer(many=True)
    chapters = ChapterSerializer(many=True)


class RecordingPageSerializer(serializers.Serializer[Any]):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = RecordingSerializer(many=True)


class ClipSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    room = serializers.CharField()
    recording = serializers.CharField(allow_null=True)
    title = serializers.CharField()
    state = serializers.CharField(help_text="waiting running done failed")
    reason = serializers.CharField()
    by = serializers.CharField()
    from_seconds = serializers.FloatField()
    to_seconds = serializers.FloatField()
    duration_seconds = serializers.FloatField()
    size_bytes = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    cover = serializers.CharField(allow_null=True)
    url = serializers.CharField(allow_null=True)
    play_url = serializers.CharField(allow_null=True)


class ClipPageSerializer(serializers.Serializer[Any]):
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = ClipSerializer(many=True)
