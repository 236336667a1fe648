"""What is done with a room's mixes by buttons: start one, put it on the programme or take it off, end it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget

from liveroom.console.media.acts import MediaActs
from liveroom.console.media.forms import OneForm
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.forms import ActForm
from liveroom.kernel.web.pages import Act
from liveroom.rooms.models import Room
from streams.media.compositor.layouts import LAYOUTS, NAMES
from streams.media.compositor.scene import MOST_INPUTS
from streams.mixes import services
from streams.mixes.models import Mix
from streams.mixes.selectors import mix_of

SIZES = {
    "1280x720": "720p, 25 pictures a second", "1920x1080": "1080p, 25 pictures a second", "854x480": "480p, 25 pictures a second",
    "1280x720@50": "720p, 50 pictures a second",
}  # fmt: skip
KINDS = ("stream", "file", "image", "color")


class _Sources(forms.MultipleChoiceField):
    """`stream:s1`, `file:f1`, `color:#202830`. Whether there are such is the service's question."""

    def valid_value(self, value: Any) -> bool:
        return str(value).partition(":")[0] in KINDS and len(str(value)) <= 80


class StartMixForm(ActForm):
    field_of = {"inputs": "sources"}

    sources = _Sources(required=False)
    size = forms.ChoiceField(choices=list(SIZES.items()), widget=UnfoldAdminSelectWidget)
    programme = forms.BooleanField(required=False)


START_MIX = Act("start-mix", "Start the mix", icon="play_arrow", form=StartMixForm, apart=True)
PROGRAMME_MIX = Act("programme-mix", "Show it to the room", form=OneForm, apart=True)
ASIDE_MIX = Act("aside-mix", "Take it off the programme", form=OneForm, apart=True)
END_MIX = Act(
    "end-mix", "End the mix", icon="stop_circle", danger=True, form=OneForm, apart=True,
    question="End this mix? The room shows again what it showed before.",
)  # fmt: skip
DIRECTOR = (START_MIX, PROGRAMME_MIX, ASIDE_MIX, END_MIX)


def usual_layout(inputs: int) -> str:
    """The smallest one in which all of them are equal."""
    equal = [name for name in NAMES if name.isdigit()]
    return next((name for name in equal if len(LAYOUTS[name]) >= inputs), equal[-1])


class DirectorActs(MediaActs):
    """The acts, as methods of the room's page."""

    def desk_url(self, room: Room, number: str) -> str:
        return reverse(f"{self.admin_site.name}:rooms_room_director", args=(room.pk, number))

    def act_start_mix(
        self, request: HttpRequest, room: Room, *, sources: list[str], size: str, programme: bool
    ) -> HttpResponse:
        if not sources:
            raise BadParameter("Choose what the mix shows: a stream, a film, a picture or a colour.", field="sources")
        if len(sources) > MOST_INPUTS:
            raise BadParameter(
                f"A mix has at most {MOST_INPUTS} inputs.", field="sources", limit=MOST_INPUTS, given=len(sources)
            )
        inputs = [dict([source.split(":", 1)]) for source in sources]
        picture, _, fps = size.partition("@")
        width, height = (int(side) for side in picture.split("x"))
        mix = services.create_mix(
            room=room, inputs=inputs, layout=usual_layout(len(inputs)), width=width, height=height, fps=int(fps or 25),
            programme=programme, **self._by(request),
        )  # fmt: skip
        return HttpResponseRedirect(self.desk_url(room, mix.number))

    def act_programme_mix(self, request: HttpRequest, room: Room, *, number: str) -> HttpResponse:
        return self._on_programme(request, room, number, wanted=True)

    def act_aside_mix(self, request: HttpRequest, room: Room, *, number: str) -> HttpResponse:
        return self._on_programme(request, room, number, wanted=False)

    def act_end_mix(self, request: HttpRequest, room: Room, *, number: str) -> HttpResponse:
        services.end_mix(mix=self._mix(room, number), **self._by(request))
        return self._done(request, room, "The mix has ended; the room shows what it showed before.")

    def _on_programme(self, request: HttpRequest, room: Room, number: str, *, wanted: bool) -> HttpResponse:
        mix = services.change_mix(mix=self._mix(room, number), programme=wanted, **self._by(request))
        messages.success(
            request, "The room shows this mix while it runs." if wanted else "The room shows its own stream again."
        )
        return HttpResponseRedirect(self.desk_url(room, mix.number))

    @staticmethod
    def _mix(room: Room, number: str) -> Mix:
        mix = mix_of(app=room.app, number=number)
        if mix.room_id != room.pk:
            raise BadParameter("This mix is another room's.", field="number")
        return mix
