"""The watermarks of a room on its media page: what is drawn over its stream, where, and whether viewers see it now."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from liveroom.console.media.acts import MediaActs
from liveroom.console.media.forms import OneForm
from liveroom.kernel.web.forms import ActForm
from liveroom.kernel.web.pages import Act
from liveroom.rooms.models import Room
from streams.watermarks import services
from streams.watermarks.selectors import shown_watermark, states_of, watermark_of, watermarks

_KINDS = ("text", "image", "clock", "scrolling", "invisible")


class _PlaceForm(ActForm):
    x_percent = forms.FloatField(required=False)
    y_percent = forms.FloatField(required=False)
    height_percent = forms.FloatField(required=False)


class WatermarkForm(_PlaceForm):
    field_of = {"settings": "text"}

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in _KINDS])
    text = forms.CharField(required=False, max_length=200)
    image = forms.CharField(required=False, max_length=40)
    opacity = forms.FloatField(required=False)
    required = forms.BooleanField(required=False)


class MoveForm(_PlaceForm, OneForm):
    pass


ADD = Act("add-watermark", "Add", icon="branding_watermark", form=WatermarkForm, apart=True)
MOVE = Act("move-watermark", "Move", icon="open_with", form=MoveForm, apart=True)
DELETE = Act("delete-watermark", "Remove", icon="delete", danger=True, form=OneForm, apart=True)
WATERMARKS = (ADD, MOVE, DELETE)


def _said(**fields: Any) -> dict[str, Any]:
    """What was left empty is not said."""
    return {name: value for name, value in fields.items() if value not in (None, "")}


class WatermarkActs(MediaActs):
    """The acts, as methods of the room's page."""

    def act_add_watermark(self, request: HttpRequest, room: Room, **said: Any) -> HttpResponse:
        # Each kind takes its own; what stands in the other fields of the form is not meant.
        meant = {"text": ("text",), "scrolling": ("text",), "image": ("image",)}.get(said["kind"], ())
        said = {name: value for name, value in said.items() if name not in ("text", "image") or name in meant}
        services.create_watermark(target=self._stream(room), said=_said(**said), **self._by(request))
        return self._done(request, room, "Viewers see it as soon as the marked copy is there: within a few seconds.")

    def act_move_watermark(self, request: HttpRequest, room: Room, *, number: str, **said: Any) -> HttpResponse:
        watermark = watermark_of(app=room.app, number=number)
        services.change_watermark(watermark=watermark, said=_said(**said), **self._by(request))
        return self._done(request, room, "It is moved.")

    def act_delete_watermark(self, request: HttpRequest, room: Room, *, number: str) -> HttpResponse:
        services.delete_watermark(watermark=watermark_of(app=room.app, number=number), **self._by(request))
        return self._done(request, room, "It is taken away.")

    @staticmethod
    def _watermarks(room: Room) -> list[dict[str, Any]]:
        rows = list(watermarks().filter(room=room).order_by("pk"))
        how = states_of(rows)
        return [shown_watermark(row, how[row.pk]) for row in rows]
