"""What can be done with a room's pictures, each a button of its media page: record, cut, pass on, pull, play films, bind a template.

The services say what is legal; this only asks them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from liveroom.console.media.forms import BindForm, ClipForm, CutForm, FilmForm, OneForm, RecordForm, RelayForm
from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, ConsoleAdmin
from liveroom.rooms.models import Room
from streams import selectors
from streams.models import Stream
from streams.plans import services as plans
from streams.plans.models import Rule, Template
from streams.plans.settings import KINDS
from streams.recording import clips
from streams.recording import services as recordings
from streams.recording.models import Recording
from streams.recording.rules import Wish
from streams.recording.selectors import recording_of
from streams.relays import services as relays
from streams.relays.rules import FILE, FOREVER, PULL
from streams.relays.selectors import relay_of
from streams.snapshots import services as snapshots

RECORD = Act(
    "record", "Record", icon="fiber_manual_record", form=RecordForm, apart=True,
    question="Record what this room's stream sends, from now or from its next picture on.",
)  # fmt: skip
STOP_RECORDING = Act("stop-recording", "Stop", icon="stop", form=OneForm, apart=True)
DELETE_RECORDING = Act("delete-recording", "Delete", icon="delete", danger=True, form=OneForm, apart=True)
CLIP = Act(
    "clip",
    "Clip",
    icon="content_cut",
    form=ClipForm,
    apart=True,
    question="Keep the last moments as a film of their own.",
)
CUT_CLIP = Act("cut-clip", "Cut a clip", icon="content_cut", form=CutForm, apart=True)
DELETE_CLIP = Act("delete-clip", "Delete", icon="delete", danger=True, form=OneForm, apart=True)
SNAPSHOT = Act("snapshot", "Snapshot", icon="photo_camera", apart=True)
ADD_RELAY = Act(
    "add-relay", "Add a relay", icon="alt_route", form=RelayForm, apart=True,
    question="Each relay is on its own: adding, changing or losing one touches no other.",
)  # fmt: skip
FILM = Act("film", "Play films", icon="movie", form=FilmForm, apart=True)
RESTART_RELAY = Act("restart-relay", "Restart", icon="restart_alt", form=OneForm, apart=True)
DELETE_RELAY = Act("delete-relay", "Delete", icon="delete", danger=True, form=OneForm, apart=True)
BIND = Act("bind-template", "Use", icon="rule", form=BindForm, apart=True)
MEDIA = (
    RECORD, STOP_RECORDING, DELETE_RECORDING, CLIP, CUT_CLIP, DELETE_CLIP, SNAPSHOT, ADD_RELAY, FILM, RESTART_RELAY,
    DELETE_RELAY, BIND,
)  # fmt: skip
# A choice of the templates' list: whatever is wider holds; nothing is done.
AS_THE_APP, NOTHING = "", "nothing"


class MediaActs(ConsoleAdmin):
    """The acts, as methods of the room's page."""

    def _done(self, request: HttpRequest, room: Room, text: str) -> HttpResponse:
        messages.success(request, text)
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:rooms_room_media", args=(room.pk,)))

    def _by(self, request: HttpRequest) -> dict[str, Any]:
        return {"by": self.actor(request), "now": clock.now(), "address": client_address(request)}

    @staticmethod
    def _stream(room: Room) -> Stream:
        found = selectors.shown_stream(room)
        if found is None:
            raise selectors.StreamUnknown("This room has no stream on its programme.")
        return found

    @staticmethod
    def _recording(room: Room, number: str) -> Recording:
        return recording_of(app_id=room.app_id, number=number)

    def act_record(self, request: HttpRequest, room: Room, *, format: str, split_minutes: int | None) -> HttpResponse:
        wish = Wish(split_seconds=(split_minutes or 0) * 60)
        recordings.start_recording(
            stream=self._stream(room), format=format, wish=wish, origin=Recording.Origin.HAND, **self._by(request)
        )
        return self._done(request, room, "It records from the next picture on.")

    def act_stop_recording(self, request: HttpRequest, room: Room, *, number: str) -> HttpResponse:
        recordings.stop_recording(recording=self._recording(room, number), **self._by(request))
        return self._done(request, room, "The recording ends; its file is made now.")

    def act_delete_recording(self, request: HttpRequest, room: Room, *, number: str) -> HttpResponse:
        recordings.delete_recording(recording=self._recording(room, number), **self._by(request))
        return self._done(request, room, "The recording is gone; its clips stay.")

    def act_clip(self, request: HttpRequest, room: Room, *, seconds: int, title: str) -> HttpResponse:
        clips.clip_of_room(room=room, seconds=seconds, title=title, **self._by(request))
        return self._done(request, room, "The clip is being made.")

    def act_cut_clip(
        self, request: HttpRequest, room: Room, *, number: str, from_seconds: float, to_seconds: float, title: str
    ) -> HttpResponse:
        clips.clip_of_recording(
            recording=self._recording(room, number), from_seconds=from_seconds, to_seconds=to_seconds, title=title,
            **self._by(request),
        )  # fmt: skip
        return self._done(request, room, "The clip is being made.")

    def act_delete_clip(self, request: HttpRequest, room: Room, *, number: str) -> HttpResponse:
        clips.delete_clip(clip=clips.clip_of(app_id=room.app_id, number=number), **self._by(request))
        return self._done(request, room, "The clip is gone.")

    def act_snapshot(self, request: HttpRequest, room: Room) -> HttpResponse:
        snapshots.ask_snapshot(stream=self._stream(room), by=self.actor(request), now=clock.now())
        return self._done(request, room, "The picture is taken at the next keyframe.")

    def act_add_relay(self, request: HttpRequest, room: Room, *, kind: str, address: str, label: str) -> HttpResponse:
        relays.create_relay(
            stream=self._stream(room), kind=kind, label=label, source=address if kind == PULL else None,
            target=None if kind == PULL else address, **self._by(request),
        )  # fmt: skip
        return self._done(request, room, "The relay is under way; its state is shown here.")

    def act_film(
        self, request: HttpRequest, room: Room, *, films: list[str], loop: bool, starts_at: datetime | None
    ) -> HttpResponse:
        relays.create_relay(
            stream=self._stream(room), kind=FILE, files=films, loop=FOREVER if loop else 1, starts_at=starts_at,
            **self._by(request),
        )  # fmt: skip
        return self._done(request, room, "The film begins soon." if starts_at is None else "The film is scheduled.")

    def act_restart_relay(self, request: HttpRequest, room: Room, *, number: str) -> HttpResponse:
        relays.restart_relay(relay=relay_of(app=room.app, number=number), **self._by(request))
        return self._done(request, room, "The relay is started anew.")

    def act_delete_relay(self, request: HttpRequest, room: Room, *, number: str) -> HttpResponse:
        relays.delete_relay(relay=relay_of(app=room.app, number=number), **self._by(request))
        return self._done(request, room, "The relay is gone.")

    def act_bind_template(self, request: HttpRequest, room: Room, *, kind: str, template: str) -> HttpResponse:
        if kind not in KINDS:
            raise BadParameter(f"There is no kind {kind[:20]!r}.", field="kind")
        stream, asked = self._stream(room), self._by(request)
        if template == AS_THE_APP:
            rule = Rule.objects.filter(app=room.app, kind=kind, stream=stream).select_related("stream").first()
            if rule is not None:
                plans.unbind(rule=rule, **asked)
        else:
            chosen = None if template == NOTHING else self._template(room, template)
            plans.bind(app=room.app, kind=kind, template=chosen, stream=stream, **asked)
        return self._done(request, room, "It holds from now on, for what is on air too.")

    @staticmethod
    def _template(room: Room, named: str) -> Template:
        found = Template.objects.filter(app=room.app, pk=int(named)).first() if named.isdigit() else None
        if found is None:
            raise BadParameter("There is no such template.", field="template")
        return found
