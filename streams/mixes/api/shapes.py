"""What may be said of a mix, and how one is shown. Inputs, layout, overlays and sounds are read by `rules/asked.py`, which
names the place of a fault within them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.fields import AnyField, LineField, OneOfField, Shape, WholeNumberField, WordField, YesNoField
from streams.media.compositor.scene import FASTEST, HIGHEST, WIDEST
from streams.mixes.rules.scenes import FOLLOWS_APP

LABEL_BYTES = 40
INPUTS = (
    "A list of up to 16 objects: one of stream (its name), file or image (ids of uploaded files), color (#rrggbb); and id, name, "
    "volume (percent) or gain_db, muted, duck, auto_gain, delay_ms, loops."
)
LAYOUT = (
    "A layout's name or id, or a list of rectangles: input, x, y, width, height (percent of the canvas), z, crop, fit, radius_percent, "
    "border_percent, border_color, plate."
)
AUDIO = "inputs: by an input's id volume or gain_db, muted, duck, auto_gain, delay_ms; master_db."
OVERLAYS = (
    "A list of up to 24 objects: id, kind (text, image, clock, scrolling, lower_third, scoreboard, countdown, comment), x, y, height "
    "(percent), opacity, text, detail, image (id of a file), color, background, score, until, zone, z."
)
BACKGROUND = "A colour (#rrggbb), or color and image (id of a file)."
COMMENTS = "true, or top, height, line, seconds, opacity: the room's comments run over the picture. false: they do not."
TRANSITION = "cut, fade, or kind and ms: how viewers come to what is changed by this request."


class EvenField(WholeNumberField):
    def to_internal_value(self, data: Any) -> int:
        found = super().to_internal_value(data)
        if found % 2:
            raise BadParameter(f"{self.field_name} is an even number.", field=str(self.field_name), given=found)
        return found


def _any(text: str) -> AnyField:
    return AnyField(required=False, help_text=text)


class MixChangeSerializer(Shape):
    unknown = (
        "A mix has no {name} that can be changed; it takes inputs, layout, audio, overlays, background, comments, transition, programme, "
        "label, serial."
    )

    inputs = _any(INPUTS + " All of them; one that is named by its id alone stays as it is.")
    layout = _any(LAYOUT)
    audio = _any(AUDIO)
    overlays = _any(OVERLAYS)
    background = _any(BACKGROUND)
    comments = _any(COMMENTS)
    transition = _any(TRANSITION)
    programme = YesNoField(required=False, help_text="Whether the room shows it while it runs.")
    label = LineField(limit_bytes=LABEL_BYTES, required=False)  # type: ignore[assignment]
    serial = WholeNumberField(
        0, 2**53, required=False, help_text="The one that this change was made on; if it is another now, 409."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not set(attrs) - {"serial", "transition"}:
            raise BadParameter(
                "Say what shall be another: inputs, layout, audio, overlays, background, comments, programme or label.",
                field="layout",
            )
        return attrs


class MixWriteSerializer(Shape):
    """Of the room of its first stream, unless `room` is said."""

    unknown = (
        "A mix has no {name}; it takes room, inputs, layout, output, width, height, fps, video_bitrate_kbps, programme, comments, audio, "
        "overlays, background, follows, label."
    )

    room = WordField(required=False, filled=True)
    inputs = _any(INPUTS)
    layout = _any(LAYOUT)
    output = WordField(
        required=False, filled=True, help_text="As which stream: one of an earlier mix, or a new name (servers only)."
    )
    width = EvenField(160, WIDEST, default=1280)
    height = EvenField(90, HIGHEST, default=720)
    fps = WholeNumberField(5, FASTEST, required=False, help_text="25 unless you say otherwise; 12 of a wall.")
    video_bitrate_kbps = WholeNumberField(100, 20_000, required=False, help_text="As its size makes it.")
    programme = YesNoField(
        required=False, help_text="Whether the room shows it while it runs: yes, unless it follows the app."
    )
    audio = _any(AUDIO)
    comments = _any(COMMENTS)
    overlays = _any(OVERLAYS)
    background = _any(BACKGROUND)
    follows = OneOfField(
        choices=[FOLLOWS_APP], required=False, help_text="app: it shows what runs in the app (servers and staff)."
    )
    label = LineField(limit_bytes=LABEL_BYTES, default="")  # type: ignore[assignment]


class MixesQuery(Shape):
    room = WordField(required=False, filled=True)


class CropShownSerializer(serializers.Serializer):
    left = serializers.FloatField()
    top = serializers.FloatField()
    right = serializers.FloatField()
    bottom = serializers.FloatField()


class PlaceShownSerializer(serializers.Serializer):
    input = serializers.CharField()
    x = serializers.FloatField()
    y = serializers.FloatField()
    width = serializers.FloatField()
    height = serializers.FloatField()
    z = serializers.IntegerField()
    crop = CropShownSerializer()
    fit = serializers.CharField()
    radius_percent = serializers.FloatField()
    border_percent = serializers.FloatField()
    border_color = serializers.CharField()
    plate = serializers.BooleanField()


class InputShownSerializer(serializers.Serializer):
    """It has one of stream, file, image, color."""

    id = serializers.CharField()
    stream = serializers.CharField(required=False)
    file = serializers.CharField(required=False)
    image = serializers.CharField(required=False)
    color = serializers.CharField(required=False)
    name = serializers.CharField()
    gain_db = serializers.FloatField()
    muted = serializers.BooleanField()
    duck = serializers.BooleanField()
    auto_gain = serializers.BooleanField()
    delay_ms = serializers.IntegerField()
    loops = serializers.BooleanField()


class LookShownSerializer(serializers.Serializer):
    places = PlaceShownSerializer(many=True)
    overlays = serializers.ListField(child=serializers.DictField(), help_text=OVERLAYS)
    background = serializers.DictField(help_text="color, and image (id of a file) or an empty text.")


class MixSerializer(LookShownSerializer):
    """`state`: waiting, running, done, failed or stopped. `programme`: whether it is to be shown; `on_programme`: whether it is."""

    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    room = serializers.CharField()
    output = serializers.CharField(help_text="The stream that it is published as.")
    inputs = InputShownSerializer(many=True)
    layout = serializers.CharField(allow_null=True, help_text="Its name; null: free rectangles.")
    preview = LookShownSerializer(allow_null=True)
    comments = serializers.DictField(allow_null=True)
    transition = serializers.DictField()
    master_db = serializers.FloatField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    fps = serializers.IntegerField()
    video_bitrate_kbps = serializers.IntegerField()
    programme = serializers.BooleanField()
    on_programme = serializers.BooleanField()
    follows = serializers.CharField(allow_null=True)
    serial = serializers.IntegerField(help_text="One more with each change.")
    state = serializers.CharField()
    reason = serializers.CharField(help_text="Why it waits, failed or ended.")
    since = serializers.DateTimeField(allow_null=True)
    restarts = serializers.IntegerField()
    by = serializers.CharField()
    created_at = serializers.DateTimeField()


class MixPageSerializer(serializers.Serializer):
    """`next` and `previous` are addresses with a cursor, or null at the ends."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = MixSerializer(many=True)
