"""What a director says, and how a desk is shown. Layouts, overlays and sounds are read by `streams/mixes/rules/asked.py`."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.fields import AnyField, OneOfField, Shape, WholeNumberField, WordField, YesNoField
from streams.mixes.api.shapes import AUDIO, BACKGROUND, LAYOUT, OVERLAYS, InputShownSerializer, LookShownSerializer

SERIAL = "The one that this change was made on; if it is another now, 409."


class DeskQuery(Shape):
    meters = YesNoField(in_query=True, default=True, help_text="false: do not listen for how the inputs are now.")


class PreviewSerializer(Shape):
    unknown = "A preview has no {name}; it takes layout, overlays, background, serial."

    layout = AnyField(required=False, help_text=LAYOUT)
    overlays = AnyField(required=False, help_text=OVERLAYS)
    background = AnyField(required=False, help_text=BACKGROUND)


class PreviewChangeSerializer(PreviewSerializer):
    serial = WholeNumberField(0, 2**53, required=False, help_text=SERIAL)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not set(attrs) - {"serial"}:
            raise BadParameter("Say what shall be another: layout, overlays or background.", field="layout")
        return attrs


class TakeSerializer(Shape):
    unknown = "A take has no {name}; it takes transition, ms, serial."

    transition = OneOfField(choices=["cut", "fade"], default="cut")
    ms = WholeNumberField(40, 5000, required=False, help_text="Of a fade; 500 unless you say otherwise.")
    serial = WholeNumberField(0, 2**53, required=False, help_text=SERIAL)


class CutSerializer(Shape):
    unknown = "A cut has no {name}; it takes input."

    input = WordField(filled=True, help_text="The id of an input of the mix.")


class AudioSerializer(Shape):
    unknown = "Sound has no {name}; it takes inputs, master_db."

    inputs = AnyField(required=False, help_text=AUDIO)
    master_db = AnyField(required=False, help_text="-60 to 12.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise BadParameter("Say which sound: inputs or master_db.", field="inputs")
        return attrs


class CommentSerializer(Shape):
    unknown = "A comment has no {name}; it takes seq, or text and nick."

    seq = WholeNumberField(1, 2**53, required=False, help_text="Of a comment that was said in the room.")
    text = WordField(required=False, filled=True, help_text="Any words, in place of seq; at most 300 characters.")
    nick = WordField(default="")


class OverlayShownSerializer(serializers.Serializer):
    """As the scene has it; each kind uses some of the fields. `on_preview`, `on_programme`: where it is shown."""

    id = serializers.CharField()
    kind = serializers.CharField()
    x = serializers.FloatField()
    y = serializers.FloatField()
    height = serializers.FloatField()
    opacity = serializers.FloatField()
    text = serializers.CharField()
    detail = serializers.CharField()
    image = serializers.CharField(help_text="The id of a file, or an empty text.")
    color = serializers.CharField()
    background = serializers.CharField()
    score = serializers.ListField(child=serializers.IntegerField())
    until = serializers.FloatField(help_text="Seconds since 1970.")
    zone = serializers.CharField()
    z = serializers.IntegerField()
    on_preview = serializers.BooleanField()
    on_programme = serializers.BooleanField()


class DeskInputSerializer(InputShownSerializer):
    told = serializers.DictField(
        allow_null=True,
        help_text="state (up, lost, waiting), peak_db, rms_db, black and silent (seconds), width, height, fps, why.",
    )


class LiveSerializer(serializers.Serializer):
    url = serializers.CharField(help_text="A WebSocket: told, pictures, scene (a new serial).")
    expires_at = serializers.DateTimeField()
    expires_in_ms = serializers.IntegerField()


class DeskSerializer(serializers.Serializer):
    """`preview`: null, as long as nothing is prepared. `serial`: one more with each change."""

    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    room = serializers.CharField()
    output = serializers.CharField()
    layout = serializers.CharField(allow_null=True)
    inputs = DeskInputSerializer(many=True)
    preview = LookShownSerializer(allow_null=True)
    programme = LookShownSerializer()
    overlays = OverlayShownSerializer(many=True)
    comments = serializers.DictField(allow_null=True)
    transition = serializers.DictField()
    master_db = serializers.FloatField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    fps = serializers.IntegerField()
    video_bitrate_kbps = serializers.IntegerField()
    wants_programme = serializers.BooleanField()
    on_programme = serializers.BooleanField()
    follows = serializers.CharField(allow_null=True)
    serial = serializers.IntegerField()
    state = serializers.CharField()
    reason = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    restarts = serializers.IntegerField()
    by = serializers.CharField()
    created_at = serializers.DateTimeField()
    told = serializers.DictField(
        allow_null=True, help_text="run, frame, late, ms, peak_db, rms_db; null: nothing was heard."
    )
    live = LiveSerializer()
