"""Staff's pages of recordings and clips: with a player, chapters and what may be done."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from unfold.widgets import UnfoldAdminTextInputWidget

from liveroom.kernel import clock
from liveroom.kernel.web.forms import ActForm
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, SwornAdmin
from streams.jobs.models import State
from streams.recording import clips, services
from streams.recording.api.shapes import ClipCreateSerializer
from streams.recording.api.shown import shown_clip, shown_recording
from streams.recording.models import Clip, Recording


def _seconds(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _player(play_url: str | None, cover: str | None) -> Any:
    if not play_url or ".m3u8" in play_url:
        return "–"
    return format_html(
        '<video controls preload="metadata" width="640" poster="{}" src="{}"></video>', cover or "", play_url
    )


class ClipForm(ActForm):
    shape = ClipCreateSerializer

    from_seconds = forms.FloatField(min_value=0, label="From (seconds)", widget=UnfoldAdminTextInputWidget)
    to_seconds = forms.FloatField(min_value=0, label="To (seconds)", widget=UnfoldAdminTextInputWidget)
    title = forms.CharField(required=False, max_length=100, widget=UnfoldAdminTextInputWidget)


_STOP = Act("stop", "Stop", icon="stop_circle", question="Stop this recording? What was written becomes its files.")
_CLIP = Act("clip", "Make a clip", icon="content_cut", form=ClipForm)
_DELETE = Act(
    "delete", "Delete", icon="delete", danger=True, question="Delete this recording with all its files? Its clips stay."
)


@admin.register(Recording)
class RecordingAdmin(SwornAdmin):
    list_display = (
        "number", "room", "stream", "format", "state", "reason", "started_at", "length", "size", "origin", "expires_at",
    )  # fmt: skip
    list_filter = ("state", "format", "origin", "app")
    search_fields = ("number", "room__group_id", "room__title", "stream__name", "reason")
    list_select_related = ("room", "stream")
    ordering = ("-id",)
    acts = (_STOP, _CLIP, _DELETE)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        hidden = {"scan", "cover", "thumbnails", "thumbnails_every", "settings"}
        found = [name for name in super().get_readonly_fields(request, obj) if name not in hidden]
        return ["film", "downloads", "places", *found]

    @admin.display(description="length", ordering="duration_seconds")
    def length(self, recording: Recording) -> str:
        return _seconds(recording.duration_seconds)

    @admin.display(description="size", ordering="size_bytes")
    def size(self, recording: Recording) -> str:
        return filesizeformat(recording.size_bytes)

    @admin.display(description="film")
    def film(self, recording: Recording) -> Any:
        shown = shown_recording(recording, now=clock.now(), http="")
        return _player(shown["play_url"], shown["cover"])

    @admin.display(description="files")
    def downloads(self, recording: Recording) -> Any:
        files = shown_recording(recording, now=clock.now(), http="")["files"]
        return format_html_join(
            format_html("<br>"), '<a class="lr-link" href="{}">{}</a> {}, {} {}',
            (
                (file["url"] or "", file["number"], _seconds(file["duration_seconds"]), filesizeformat(file["size_bytes"]),
                 file["reason"] or file["state"])
                for file in files
            ),
        ) or "–"  # fmt: skip

    @admin.display(description="chapters")
    def places(self, recording: Recording) -> Any:
        rows = recording.chapters.order_by("seconds", "pk")
        found = ((_seconds(one.seconds) if one.seconds is not None else "?", one.title, one.kind) for one in rows)
        return format_html_join(format_html("<br>"), "{} {} ({})", found) or "–"

    def acts_for(self, request: HttpRequest, obj: Any) -> Any:
        if obj.state in services.UNDER_WAY:
            return (_STOP, _CLIP)
        return (_CLIP, _DELETE) if obj.state == State.DONE else (_DELETE,)

    def _asked(self, request: HttpRequest) -> dict[str, Any]:
        return {"by": self.actor(request), "now": clock.now(), "address": client_address(request)}

    def act_stop(self, request: HttpRequest, recording: Recording) -> str:
        services.stop_recording(recording=recording, **self._asked(request))
        return "It is told to stop; its files are there in a moment."

    def act_clip(
        self, request: HttpRequest, recording: Recording, *, from_seconds: float, to_seconds: float, title: str = ""
    ) -> str:
        clip = clips.clip_of_recording(
            recording=recording, from_seconds=from_seconds, to_seconds=to_seconds, title=title, **self._asked(request)
        )
        return f"The clip {clip.number} is being made."

    def act_delete(self, request: HttpRequest, recording: Recording) -> str:
        services.delete_recording(recording=recording, **self._asked(request))
        return f"The recording {recording.number} is gone."


@admin.register(Clip)
class ClipAdmin(SwornAdmin):
    list_display = ("number", "title", "room", "recording", "state", "reason", "length", "size", "by", "created_at")
    list_filter = ("state", "app")
    search_fields = ("number", "title", "room__group_id", "room__title")
    list_select_related = ("room", "recording")
    ordering = ("-id",)
    acts = (Act("delete", "Delete", icon="delete", danger=True, question="Delete this clip for good?"),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        found = super().get_readonly_fields(request, obj)
        return ["film", *(name for name in found if name not in ("key", "cover"))]

    @admin.display(description="film")
    def film(self, clip: Clip) -> Any:
        shown = shown_clip(clip, now=clock.now(), http="")
        return _player(shown["play_url"], shown["cover"])

    @admin.display(description="length", ordering="duration_seconds")
    def length(self, clip: Clip) -> str:
        return _seconds(clip.duration_seconds)

    @admin.display(description="size", ordering="size_bytes")
    def size(self, clip: Clip) -> str:
        return filesizeformat(clip.size_bytes)

    def act_delete(self, request: HttpRequest, clip: Clip) -> str:
        clips.delete_clip(clip=clip, by=self.actor(request), now=clock.now(), address=client_address(request))
        return f"The clip {clip.number} is gone."
