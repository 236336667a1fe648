"""What may be asked of a recording's comments, and what the answers look like."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from interactions.replay.rules.windows import LAST_MS, LONGEST_MS, MOST_BEFORE
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.fields import OneOfField, Shape, WholeNumberField

JSONL, ASS, BILIBILI = "jsonl", "ass", "bilibili"


class NumberInQuery(WholeNumberField):
    """A whole number as a query holds it: digits."""

    def to_internal_value(self, data: Any) -> int:
        said = str(data)
        return super().to_internal_value(int(said) if said.isascii() and said.isdigit() and len(said) <= 15 else None)


class WindowQuery(Shape):
    from_ms = NumberInQuery(0, LAST_MS, default=0, help_text="From this millisecond of the recording on.")
    to_ms = NumberInQuery(0, LAST_MS, default=None, help_text="Before this one; 30,000 after the first unless you say.")
    before = NumberInQuery(
        0, MOST_BEFORE, default=0, help_text="How many of the last comments and gifts before it to tell too."
    )


class HeardQuery(Shape):
    from_ms = NumberInQuery(0, LAST_MS, default=None, help_text="From this moment on (unix ms); the last half minute.")
    to_ms = NumberInQuery(0, LAST_MS, default=None, help_text="Before this one; 30,000 after the first unless you say.")
    before = NumberInQuery(
        0, MOST_BEFORE, default=0, help_text="How many of the last comments and gifts before it to tell too."
    )


class FormatQuery(Shape):
    format = OneOfField(
        choices=[JSONL, ASS, BILIBILI], default=JSONL, help_text="Events, subtitles, or Bilibili's XML."
    )


USUAL_MS = 30_000


def asked_window(asked: dict[str, Any]) -> tuple[int, int]:
    """[from, to) of a checked query. BadParameter: it ends before it begins, or is too long."""
    from_ms: int = asked["from_ms"]
    to_ms: int = from_ms + USUAL_MS if asked["to_ms"] is None else asked["to_ms"]
    if to_ms < from_ms:
        raise BadParameter(f"to_ms is not before from_ms ({from_ms}).", field="to_ms", limit=from_ms, given=to_ms)
    if to_ms - from_ms > LONGEST_MS:
        raise BadParameter(
            f"A window is at most {LONGEST_MS} ms long.", field="to_ms", limit=LONGEST_MS, given=to_ms - from_ms
        )
    return from_ms, to_ms


class ReplayLikesSerializer(serializers.Serializer):
    at_ms = serializers.IntegerField()
    total = serializers.IntegerField()


class ReplayWindowSerializer(serializers.Serializer):
    """Events as the room heard them, each with `at_ms`, its place in the recording."""

    from_ms = serializers.IntegerField()
    to_ms = serializers.IntegerField(help_text="How far this answer goes; go on from there.")
    events = serializers.ListField(child=serializers.DictField())
    earlier = serializers.ListField(child=serializers.DictField(), help_text="The last lines before it.")
    standing = serializers.ListField(child=serializers.DictField(), help_text="The notice and the pin then.")
    likes = ReplayLikesSerializer(many=True, help_text="The room's total, to be drawn from point to point.")


class HeardSerializer(serializers.Serializer):
    """Events as the room heard them, each with `at_ms`, when that was (unix ms). Nothing from before `from` of the window is in it."""

    from_ms = serializers.IntegerField()
    to_ms = serializers.IntegerField(help_text="How far this answer goes; go on from there.")
    events = serializers.ListField(child=serializers.DictField())
    earlier = serializers.ListField(child=serializers.DictField(), help_text="The last lines before it.")
    standing = serializers.ListField(child=serializers.DictField(), help_text="The notice and the pin then.")


class PlaybackChapterSerializer(serializers.Serializer):
    at_ms = serializers.IntegerField()
    title = serializers.CharField()
    kind = serializers.CharField(help_text="status, gifts or hand")


class PlaybackPartSerializer(serializers.Serializer):
    at_ms = serializers.IntegerField(help_text="Where it begins in the recording.")
    duration_ms = serializers.IntegerField()
    url = serializers.CharField()


class PlaybackPlaySerializer(serializers.Serializer):
    """Files in their order: of a recording that was split, several. Of HLS, `url` is the playlist."""

    format = serializers.ChoiceField(choices=["mp4", "hls", "flv", "aac", "mp3"])
    parts = PlaybackPartSerializer(many=True)
    expires_at = serializers.IntegerField(help_text="Unix ms; ask again then.")


class PlaybackClipSerializer(serializers.Serializer):
    id = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    at_ms = serializers.IntegerField(help_text="Where in the recording it was cut out.")
    duration_ms = serializers.IntegerField()
    url = serializers.CharField()
    cover = serializers.CharField(allow_blank=True)


class PublishedSerializer(serializers.Serializer):
    """A recording that can be watched."""

    id = serializers.CharField()
    session = serializers.CharField(allow_null=True)
    format = serializers.CharField()
    started_at = serializers.IntegerField(help_text="Unix ms, of its first picture.")
    duration_ms = serializers.IntegerField()
    published = serializers.BooleanField(help_text="False: only who runs the room sees it.")
    cover = serializers.CharField(allow_blank=True)


class PublishedPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = PublishedSerializer(many=True)


class PlaybackSerializer(PublishedSerializer):
    """All that a page needs to play it; its events come in windows."""

    room = serializers.CharField()
    play = PlaybackPlaySerializer()
    chapters = PlaybackChapterSerializer(many=True)
    joints = serializers.ListField(child=serializers.IntegerField(), help_text="Where something is missing.")
    density = serializers.ListField(child=serializers.IntegerField(), help_text="Comments per column of the bar.")
    likes = ReplayLikesSerializer(many=True)
    clips = PlaybackClipSerializer(many=True)
