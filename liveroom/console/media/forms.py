"""What the media page of a room asks for; checked as the bodies of the REST operations are."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from liveroom.kernel.web.forms import ActForm
from streams.recording.rules import FORMATS, LONGEST_CLIP_SECONDS, SHORTEST_CLIP_SECONDS
from streams.relays.rules import PULL, PUSH

_FORMAT_WORDS = {
    "mp4": "MP4: plays everywhere", "hls": "HLS: for players that adapt", "flv": "FLV", "aac": "sound only, AAC",
    "mp3": "sound only, MP3",
}  # fmt: skip


class RecordForm(ActForm):
    format = forms.ChoiceField(
        choices=[(name, _FORMAT_WORDS[name]) for name in FORMATS], widget=UnfoldAdminSelectWidget
    )
    split_minutes = forms.IntegerField(
        required=False, min_value=1, max_value=720, widget=UnfoldAdminIntegerFieldWidget,
        help_text="A new file after so many minutes. Empty: one file.",
    )  # fmt: skip


class OneForm(ActForm):
    """Which row: a hidden field of its button."""

    number = forms.CharField(max_length=40, widget=forms.HiddenInput)


class ClipForm(ActForm):
    seconds = forms.IntegerField(
        initial=30, min_value=SHORTEST_CLIP_SECONDS, max_value=LONGEST_CLIP_SECONDS,
        widget=UnfoldAdminIntegerFieldWidget, help_text="The last so many seconds of what is on air.",
    )  # fmt: skip
    title = forms.CharField(required=False, max_length=100, widget=UnfoldAdminTextInputWidget)


class CutForm(OneForm):
    from_seconds = forms.FloatField(min_value=0)
    to_seconds = forms.FloatField(min_value=0)
    title = forms.CharField(required=False, max_length=100)


class RelayForm(ActForm):
    field_of = {"source": "address", "target": "address"}

    kind = forms.ChoiceField(
        choices=[
            (PUSH, "Push this room's stream to another platform"),
            (PULL, "Pull a stream from elsewhere into this room"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    address = forms.CharField(
        widget=UnfoldAdminTextInputWidget(
            attrs={"placeholder": "rtmp://live.example.com/app/key", "autocomplete": "off"}
        ),
        help_text="Where to, with its key; or where from. It is never shown whole again.",
    )
    label = forms.CharField(
        required=False, max_length=80, widget=UnfoldAdminTextInputWidget, help_text="So that you know it again."
    )


class _Ids(forms.MultipleChoiceField):
    """Whether there are such rows is the service's question."""

    def valid_value(self, value: Any) -> bool:
        return len(str(value)) <= 40


class FilmForm(ActForm):
    """Which uploaded films run as a live picture."""

    field_of = {"files": "films"}

    films = _Ids()
    loop = forms.BooleanField(required=False)
    starts_at = forms.DateTimeField(required=False)


class BindForm(ActForm):
    """Which template holds for the room's stream from now on."""

    template = forms.CharField(max_length=20, required=False)
    kind = forms.CharField(max_length=20, widget=forms.HiddenInput)
