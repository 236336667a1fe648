"""What streams know of a room, on the room's page: the address for OBS, health while it streams, what refused the last push."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path, reverse

from interactions.chat.selectors import message_counts
from interactions.statistics.selectors import sessions_of
from liveroom.console.director.acts import DIRECTOR
from liveroom.console.director.page import DirectorPage
from liveroom.console.engaging import ENGAGING, EngagingActs
from liveroom.console.figures.drawing import DRAWING, DrawActs
from liveroom.console.media.acts import MEDIA
from liveroom.console.media.films import FilesPage
from liveroom.console.media.watermarks import WATERMARKS
from liveroom.console.moderation import MODERATION, ModerationActs
from liveroom.kernel import clock, permission
from liveroom.kernel.permission import Actor
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, is_staff
from liveroom.page.links import room_link
from liveroom.rooms.admin.pages import APPOINT, DISBAND, DISMISS, NOTICE, STATUS_ACTS, RoomPages
from liveroom.rooms.admin.rights import runs
from liveroom.rooms.models import Room, RoomAdmin
from liveroom.rooms.rules.status import Status, legal_next
from streams import addresses, selectors
from streams.models import Publish, PushRefusal, Stream
from streams.services import refusals, streams
from streams.services.health import health_of

RESET = Act(
    "reset-key", "Reset key", icon="autorenew", danger=True, apart=True,
    question="Make a new stream key? The old one is worthless at once, and whoever pushes with it now is cut.",
)  # fmt: skip
REFUSALS = 5
SESSIONS = 5


@dataclass(frozen=True, slots=True)
class ObsPanel:
    """What is typed into OBS, and the same for ffmpeg. `ffmpeg` holds the key: it is masked like it."""

    server: str
    stream_key: str
    expires_at: datetime
    ffmpeg: str


def obs_panel(*, stream: Stream, actor: Actor, now: datetime) -> ObsPanel | None:
    """None: the app has no enabled push domain."""
    try:
        address = streams.show_push_address(stream=stream, by=actor, now=now)
    except addresses.PushingOff:
        return None
    command = (
        "ffmpeg -re -stream_loop -1 -i video.mp4 -c:v libx264 -preset veryfast -b:v 2500k -r 30 -g 60 -pix_fmt yuv420p "
        f"-c:a aac -b:a 128k -f flv '{address.url}'"
    )
    return ObsPanel(server=address.server, stream_key=address.stream_key, expires_at=address.expires_at, ffmpeg=command)


def _ago(at: datetime, now: datetime) -> int:
    return max(0, int((now - at).total_seconds()))


def _shown(row: PushRefusal, *, now: datetime) -> dict[str, Any]:
    """Seconds instead of instants: a streamer's clock may be wrong."""
    return {
        "ago": _ago(row.at, now), "first_ago": _ago(row.first_at, now), "count": row.count, "reason": row.reason,
        "text": row.text, "detail": row.detail, "given": row.given, "code": row.code, "address": row.address,
    }  # fmt: skip


def live_state(*, room: Room, stream: Stream | None, now: datetime, address: str = "") -> dict[str, Any]:
    """What the page asks for every two seconds. `address`: from where the streamer looks; "" for somebody else."""
    state: dict[str, Any] = {
        "status": room.status,
        "status_seconds": _ago(room.status_at, now),
        "next": sorted(legal_next(Status(room.status))),
        "online": room.online,
        "health": None,
        "refusals": [],
        "refusal_is_news": False,
        "tried_from_here": [],
    }
    if stream is not None:
        health = health_of(stream)
        since = None if health.since is None else _ago(datetime.fromisoformat(health.since), now)
        rows = refusals.refusals_of(stream=stream, address=address, at_most=REFUSALS)
        strange = refusals.refusals_from(address=address, now=now, at_most=REFUSALS)
        state["health"] = {**health.as_dict(), "on_air_seconds": since}
        state["refusals"] = [_shown(row, now=now) for row in rows]
        # A refusal from before the last push that was let in is history.
        state["refusal_is_news"] = (
            bool(rows) and not Publish.objects.filter(stream=stream, started_at__gt=rows[0].at).exists()
        )
        state["tried_from_here"] = [_shown(row, now=now) for row in strange]
    return state


def _streamers_address(request: HttpRequest) -> str:
    """From where the streamer looks: probably where the encoder stands. Staff look from elsewhere."""
    return "" if is_staff(request) else client_address(request)


@admin.register(Room)
class WholeRoomPage(ModerationActs, DrawActs, EngagingActs, DirectorPage, FilesPage, RoomPages):
    """The room's page with everything on it."""

    change_form_template = "console/room.html"
    change_form_outer_before_template = None
    acts = (*RoomPages.acts, RESET, *MODERATION, *DRAWING, *ENGAGING, *MEDIA, *WATERMARKS, *DIRECTOR)

    def get_urls(self) -> list[Any]:
        live = path(
            "<path:object_id>/live/", self.admin_site.admin_view(self.live_view), name="rooms_room_live"
        )  # fmt: skip
        return [live, *super().get_urls()]

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        room = self.get_object(request, object_id)
        if room is None or not self.has_view_permission(request, room):
            raise Http404("There is no such room.")
        answer = JsonResponse(self._state(request, room, stream=selectors.own_stream(room), now=clock.now()))
        answer["Cache-Control"] = "no-store"
        return answer

    def _state(self, request: HttpRequest, room: Room, *, stream: Stream | None, now: datetime) -> dict[str, Any]:
        """A room's admins see how the picture arrives, and not from where, nor what tried to."""
        whole = runs(request, room)
        state = live_state(room=room, stream=stream, now=now, address=_streamers_address(request) if whole else "")
        if not whole:
            state |= {"refusals": [], "tried_from_here": [], "refusal_is_news": False, "next": []}
            if state["health"] is not None:
                state["health"] |= {"address": None, "software": None}
        return state

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        room = kwargs.get("obj")
        if room is not None and room.pk:
            # The row in the form may carry what a refused save has left on it.
            context["panel"] = self._panel(request, Room.objects.select_related("app", "owner").get(pk=room.pk))
        return super().render_change_form(request, context, *args, **kwargs)

    def _panel(self, request: HttpRequest, room: Room) -> dict[str, Any]:
        actor, now = self.actor(request), clock.now()
        found: dict[str, Any] = {
            "room": room,
            "viewer_url": room_link(room),
            "media_url": reverse(f"{self.admin_site.name}:rooms_room_media", args=(room.pk,)),
            "open": room.disbanded_at is None,
            "runs": runs(request, room),
            "messages": message_counts(room_key=room.key),
            "archive_url": self._archive_url(request, room),
            "sessions": list(sessions_of(room=room).order_by("-id")[:SESSIONS]),
        }
        if room.disbanded_at is not None:
            return found
        allowed = legal_next(Status(room.status))
        stream = selectors.own_stream(room)
        found |= {
            "statuses": [
                {**self.shown_act(room, act), "status": status, "allowed": status in allowed}
                for status, act in STATUS_ACTS.items()
            ],
            "admins": list(RoomAdmin.objects.filter(room=room).select_related("person").order_by("id")),
            "appoint": self.shown_act(room, APPOINT),
            "dismiss": self.shown_act(room, DISMISS),
            "disband": self.shown_act(room, DISBAND),
            "notice": self._notice_act(room),
            "moderation": self.moderation_panel(room, now=now),
            "draws": self.draws_panel(room),
            "engaging": self.engaging_panel(room),
            "files_url": reverse(f"{self.admin_site.name}:rooms_room_files", args=(room.pk,)),
            "live_url": reverse(f"{self.admin_site.name}:rooms_room_live", args=(room.pk,)),
            "state": self._state(request, room, stream=stream, now=now),
            "stream": stream,
        }
        if stream is not None and permission.may("stream.push", actor=actor, room=room):
            found["obs"] = obs_panel(stream=stream, actor=actor, now=now)
            found["pushing_off"] = found["obs"] is None
            if address := _streamers_address(request):
                refusals.remember_address(room_key=room.key, address=address, now=now)
            found["reset"] = self.shown_act(room, RESET)
        return found

    def _notice_act(self, room: Room) -> dict[str, Any]:
        shown = self.shown_act(room, NOTICE)
        shown["form"].initial = {"notice": room.notice}
        return shown

    def _archive_url(self, request: HttpRequest, room: Room) -> str:
        """Where staff read what was said; a streamer reads it over the API."""
        if not is_staff(request):
            return ""
        return (
            reverse(f"{self.admin_site.name}:interactions_archivedmessage_changelist") + f"?room__id__exact={room.pk}"
        )

    def act_reset_key(self, request: HttpRequest, room: Room) -> str:
        stream = selectors.own_stream(room)
        if stream is None:
            raise selectors.StreamUnknown("This room has no stream on its programme.")
        streams.reset_push_key(stream=stream, by=self.actor(request), now=clock.now(), address=client_address(request))
        return "The stream has a new key: copy it into OBS again."
