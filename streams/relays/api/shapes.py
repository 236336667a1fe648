"""What may be said of a relay, and how one is shown: REST bodies, and the forms of the console."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.fields import (
    InstantField,
    LineField,
    ListField,
    OneOfField,
    OpaqueField,
    Shape,
    WholeNumberField,
    WordField,
    YesNoField,
    name_of,
)
from streams.relays.rules import FOREVER, KINDS, MOST_FILES, MOST_LOOPS

ADDRESS_BYTES, LABEL_BYTES, ID_BYTES = 2000, 80, 40


class LoopField(WholeNumberField):
    """How often: a number, 0 for again and again; true and false are words for again and again and once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(0, MOST_LOOPS, **options)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool):
            return FOREVER if data else 1
        return super().to_internal_value(data)


class FilesField(ListField):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            of="ids of files", child=OpaqueField(limit_bytes=ID_BYTES, filled=True), low=1, high=MOST_FILES, **options
        )


def _addresses(name: str, text: str) -> dict[str, Any]:
    return {"limit_bytes": ADDRESS_BYTES, "required": False, "help_text": text}


SOURCE = "Of a pull: rtmp, rtmps, http(s) (FLV, HLS, a file), srt or rtsp. Never shown whole again."
TARGET = "Of a push: rtmp, rtmps or srt, with its key. Never shown whole again."
LOOP = "Of files: how often all are played; 0 or true: again and again."


class RelayChangeSerializer(Shape):
    unknown = "A relay has no {name}; it takes source, target, files, loop, starts_at, label, enabled."

    source = OpaqueField(filled=True, **_addresses("source", SOURCE))  # type: ignore[assignment]
    target = OpaqueField(filled=True, **_addresses("target", TARGET))
    files = FilesField(required=False, help_text="Of files: their ids, in their order.")
    loop = LoopField(required=False, help_text=LOOP)
    starts_at = InstantField(required=False, allow_null=True, or_ms=True)
    label = LineField(limit_bytes=LABEL_BYTES, required=False)  # type: ignore[assignment]
    enabled = YesNoField(required=False, help_text="false: it rests, and keeps what it is.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise BadParameter(
                "Say what shall be another: source, target, files, loop, starts_at, label or enabled.", field="source"
            )
        return attrs


class RelayWriteSerializer(Shape):
    """`stream`: into which (pull, file) or from which (push); without it the one that `room` shows."""

    unknown = (
        "A relay has no {name}; it takes kind, stream or room, source, target, files, loop, starts_at, label, enabled."
    )

    kind = OneOfField(choices=list(KINDS))
    stream = WordField(required=False, filled=True)
    room = WordField(required=False, filled=True)
    source = OpaqueField(filled=True, **_addresses("source", SOURCE))  # type: ignore[assignment]
    target = OpaqueField(filled=True, **_addresses("target", TARGET))
    files = FilesField(required=False, help_text="Of files: their ids, in their order.")
    loop = LoopField(required=False, help_text=LOOP)
    starts_at = InstantField(required=False, allow_null=True, or_ms=True)
    label = LineField(limit_bytes=LABEL_BYTES, default="")  # type: ignore[assignment]
    enabled = YesNoField(default=True, help_text="false: it rests until it is enabled.")


class RelaysQuery(Shape):
    room = WordField(required=False, filled=True)
    stream = WordField(required=False, filled=True)
    kind = OneOfField(choices=list(KINDS), required=False)


class RelaySerializer(serializers.Serializer):
    """`state`: waiting, running, finishing, done, failed or stopped. Addresses are shown without their keys."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=list(KINDS))
    label = serializers.CharField()  # type: ignore[assignment]
    room = serializers.CharField()
    stream = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    target = serializers.CharField()
    files = serializers.ListField(child=serializers.CharField())
    loop = serializers.IntegerField()
    starts_at = serializers.DateTimeField(allow_null=True)
    enabled = serializers.BooleanField()
    state = serializers.CharField()
    reason = serializers.CharField(help_text="Why it waits, failed or ended.")
    since = serializers.DateTimeField(allow_null=True)
    next_try_at = serializers.DateTimeField(allow_null=True)
    restarts = serializers.IntegerField()
    progress = serializers.DictField(
        help_text="out_seconds, bitrate_kbps, speed and size_bytes of the present connection; of files also `playing`."
    )
    by = serializers.CharField()
    created_at = serializers.DateTimeField()


class RelayPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RelaySerializer(many=True)


__all__ = [
    "RelayChangeSerializer",
    "RelayPageSerializer",
    "RelaySerializer",
    "RelayWriteSerializer",
    "RelaysQuery",
    "name_of",
]
