"""Staff's pages for streams, publishes and refused pushes: look, forbid, allow, cut."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from liveroom.kernel import clock
from liveroom.kernel.web.forms import ActForm, reason_field
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, SwornAdmin, set_filter
from streams.files import admin as _files  # noqa: F401 - registers its page
from streams.jobs import admin as _jobs  # noqa: F401 - registers its pages
from streams.mixes import admin as _mixes  # noqa: F401 - registers its page
from streams.models import Publish, PushRefusal, Stream
from streams.plans import admin as _plans  # noqa: F401 - registers its pages
from streams.recording import admin as _recordings  # noqa: F401
from streams.relays import admin as _relays  # noqa: F401 - registers its page
from streams.rules.encoders import encoder_name
from streams.services import streams
from streams.shapes import ForbidSerializer
from streams.snapshots import admin as _snapshots  # noqa: F401 - registers its pages
from streams.watermarks import admin as _watermarks  # noqa: F401 - registers its pages


class ForbidForm(ActForm):
    shape = ForbidSerializer

    reason = reason_field(read_by="The streamer reads it.")
    until = forms.SplitDateTimeField(
        required=False,
        label="Until (UTC)",
        help_text="Empty: 7 days. At most 90 days ahead.",
        widget=UnfoldAdminSplitDateTimeWidget,
    )


class OnAirFilter(admin.SimpleListFilter):
    title = "on air"
    parameter_name = "on_air"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "on air"), ("no", "not on air"), ("forbidden", "forbidden")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "forbidden":
            return queryset.filter(forbidden_until__gt=clock.now())
        return queryset.filter(is_on_air=self.value() == "yes") if self.value() else queryset


@admin.register(Stream)
class StreamAdmin(SwornAdmin):
    list_display = ("name", "label", "room", "on_programme", "on_air", "forbidden_until")
    list_filter = (OnAirFilter, "on_programme", "room__app")
    search_fields = ("name", "label", "room__group_id", "room__title")
    list_select_related = ("room",)
    ordering = ("-id",)
    acts = (
        Act("cut", "Cut", icon="content_cut", question="End the publisher's connection now? It may come back at once."),
        Act(
            "forbid", "Forbid", icon="block", danger=True, form=ForbidForm,
            question="Refuse pushes of this stream, and cut its publisher now?",
        ),
        Act("allow", "Allow again", icon="check_circle", question="Let this stream be pushed again?"),
        Act(
            "reset-key", "Reset key", icon="autorenew", danger=True,
            question="Make a new stream key? The old one is worthless at once, and whoever pushes with it is cut.",
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        open_ = Publish.objects.filter(stream=OuterRef("pk"), ended_at__isnull=True)
        return super().get_queryset(request).select_related("room__app").annotate(is_on_air=Exists(open_))

    @admin.display(description="on air", boolean=True)
    def on_air(self, stream: Any) -> bool:
        return bool(stream.is_on_air)

    def acts_for(self, request: HttpRequest, obj: Any) -> Any:
        hidden = {"allow"} if obj.forbidden_until is None else {"forbid"}
        if not obj.is_on_air:
            hidden.add("cut")
        return [act for act in self.acts if act.name not in hidden]

    def act_cut(self, request: HttpRequest, stream: Stream) -> str:
        cut = streams.cut_stream(
            stream=stream, by=self.actor(request), now=clock.now(), address=client_address(request)
        )
        return "The publisher was cut." if cut else "Nobody was publishing."

    def act_forbid(self, request: HttpRequest, stream: Stream, *, reason: str, until: datetime | None) -> str:
        found = streams.forbid_stream(
            stream=stream, by=self.actor(request), now=clock.now(), reason=reason, until=until,
            address=client_address(request),
        )  # fmt: skip
        return f"Pushing {stream.name} is forbidden until {found.forbidden_until:%Y-%m-%d %H:%M} UTC."

    def act_allow(self, request: HttpRequest, stream: Stream) -> str:
        streams.allow_stream(stream=stream, by=self.actor(request), now=clock.now(), address=client_address(request))
        return f"{stream.name} may be pushed again."

    def act_reset_key(self, request: HttpRequest, stream: Stream) -> str:
        streams.reset_push_key(stream=stream, by=self.actor(request), now=clock.now(), address=client_address(request))
        return "The stream has a new key; the room's page shows it."


class PushAdmin(SwornAdmin):
    """Of what was pushed: whose it is and to which room, each with a link to its page."""

    list_select_related: Any = ("stream__room__app", "stream__room__owner")

    @admin.display(description="streamer", ordering="stream__room__owner__identifier")
    def streamer(self, row: Publish | PushRefusal) -> Any:
        return self.link_to(row.stream.room.owner) if row.stream else None

    @admin.display(description="room", ordering="stream__room")
    def room(self, row: Publish | PushRefusal) -> Any:
        return self.link_to(row.stream.room) if row.stream else None


@admin.register(Publish)
class PublishAdmin(PushAdmin):
    list_display = ("started_at", "streamer", "room", "stream", "encoder", "address", "ended_at", "end_reason")
    list_filter = ("end_reason", "stream__room__app")
    search_fields = (
        "stream__name",
        "stream__room__group_id",
        "stream__room__owner__identifier",
        "address",
        "client_id",
    )
    ordering = ("-id",)

    @admin.display(description="encoder", ordering="software")
    def encoder(self, publish: Publish) -> str:
        return encoder_name(publish.software)


@admin.register(PushRefusal)
class PushRefusalAdmin(PushAdmin):
    list_display = ("at", "streamer", "room", "given", "count", "code", "reason", "text", "address")
    list_filter = ("reason", set_filter("stream", title="stream", yes="known", no="not known"), "stream__room__app")
    search_fields = ("stream__name", "stream__room__group_id", "address", "given", "text")
    ordering = ("-at", "-id")
