"""The desk of a mix, a page of its own beside the room's; and what a mix can be started from, for the media page.

The page asks REST with its own session and hears the gateway (`static/console/director/`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse

from liveroom.accounts.models import Login
from liveroom.accounts.services.tokens import make_usersig
from liveroom.console.director.acts import ASIDE_MIX, DIRECTOR, END_MIX, PROGRAMME_MIX, SIZES, DirectorActs
from liveroom.console.media.page import MediaPage
from liveroom.kernel import clock
from liveroom.kernel.web.pages import is_staff
from liveroom.page.links import room_link
from liveroom.rooms.admin.rights import own_person, runs
from liveroom.rooms.models import Room
from streams.director.selectors import shown_desk
from streams.egress.uploads import PICTURES
from streams.files.models import MediaFile
from streams.media.compositor.layouts import LAYOUTS, NAMES
from streams.mixes.models import Mix
from streams.mixes.selectors import MixUnknown, at_work, jobs_of, shown_mix
from streams.models import Stream

STREAMS, FILES = 40, 60
# As long as an evening; a desk that stays open longer asks for comments instead of hearing them.
LISTENS_SECONDS = 12 * 3600
LAYOUT_WORDS = {
    "1": "One", "2": "Two", "3": "Three", "4": "Four", "6": "Six", "9": "Nine", "picture-in-picture": "Picture in picture",
    "side-by-side": "Side by side", "strip": "One and a strip",
}  # fmt: skip
COLORS = (("#101418", "Black"), ("#1d3557", "Blue"), ("#2a9d5c", "Green"), ("#ffffff", "White"))


class DirectorPage(DirectorActs, MediaPage):
    """Adds `/<room>/director/<mix>/` to the room's pages, and the room's mixes to its media page."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.director_view)
        return [path("<path:object_id>/director/<slug:number>/", view, name="rooms_room_director"), *super().get_urls()]

    def director_view(self, request: HttpRequest, object_id: str, number: str) -> HttpResponse:
        room = self.get_object(request, object_id)
        if room is None or not self.has_view_permission(request, room) or room.disbanded_at is not None:
            raise Http404("There is no such room.")
        try:
            mix = self._mix(room, number)
        except MixUnknown:
            raise Http404("There is no such mix.") from None
        whole = runs(request, room)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Director's desk of {room.title or room.group_id}",
            "opts": self.model._meta,
            "original": room,
            "room": room,
            "mix": mix,
            "runs": whole,
            "media_url": reverse(f"{self.admin_site.name}:rooms_room_media", args=(room.pk,)),
            "viewer_url": room_link(room),
            "programme_act": self.shown_act(room, ASIDE_MIX if mix.stream.wants_programme else PROGRAMME_MIX),
            "end_act": self.shown_act(room, END_MIX),
            "about": self._about(request, room, mix, whole=whole, now=clock.now()),
        }
        answer = TemplateResponse(request, "console/director/desk.html", context)
        answer["Cache-Control"] = "no-store"
        return answer

    def _media(self, request: HttpRequest, room: Room, *, now: datetime) -> dict[str, Any]:
        found = super()._media(request, room, now=now)
        return {**found, "mixes": self._mixes(request, room)} if found["runs"] else found

    def _mixes(self, request: HttpRequest, room: Room) -> dict[str, Any]:
        """Mixes at work, and what a new one is started with."""
        rows = list(at_work().filter(room=room).order_by("-id"))
        jobs = jobs_of(rows)
        return {
            "mixes": [
                {**shown_mix(mix, jobs.get(mix.reference)), "url": self.desk_url(room, mix.number)} for mix in rows
            ],
            "sources": sources_of(request, room),
            "sizes": SIZES,
            **{act.name.replace("-", "_") + "_act": self.shown_act(room, act) for act in DIRECTOR},
        }

    def _about(self, request: HttpRequest, room: Room, mix: Mix, *, whole: bool, now: datetime) -> dict[str, Any]:
        """What the page begins with. A room's admins look on: what else there is, is the owner's business."""
        choices = sources_of(request, room) if whole else []
        images: list[dict[str, Any]] = next((group["options"] for group in choices if group["kind"] == "image"), [])
        return {
            "mix": mix.number,
            "sdkappid": room.app.sdkappid,
            "state": shown_desk(mix, actor=self.actor(request), now=now, http="", meters=False),
            "layouts": [
                {"name": name, "title": LAYOUT_WORDS.get(name, name), "places": msgspec.to_builtins(LAYOUTS[name])}
                for name in NAMES
            ],
            "choices": [
                {
                    "group": group["title"],
                    "options": [
                        {"title": one["title"], "input": {group["kind"]: one["value"], **one.get("more", {})}}
                        for one in group["options"]
                    ],
                }
                for group in choices
            ],
            "pictures": [{"id": one["value"], "name": one["title"]} for one in images],
            "room": {
                "id": room.group_id,
                "sdkappid": room.app.sdkappid,
                "usersig": _own_usersig(request, room, now=now),
            },
        }


def _own_usersig(request: HttpRequest, room: Room, *, now: datetime) -> str:
    """For hearing the room's comments as oneself; staff hear them as a guest does, or ask."""
    login = request.user
    person = login.person if isinstance(login, Login) else None
    if person is None or person.app_id != room.app_id:
        return ""
    return make_usersig(app=room.app, identifier=person.identifier, expire_seconds=LISTENS_SECONDS, now=now)


def sources_of(request: HttpRequest, room: Room) -> list[dict[str, Any]]:
    """What a mix of the room can show: its streams and those on air in other rooms of the same owner (of the app, for staff), films,
    pictures, colours."""
    own = list(Stream.objects.filter(room=room, made_by="").order_by("pk")[:STREAMS])
    others = (
        Stream.objects.filter(room__app=room.app, room__disbanded_at__isnull=True, made_by="", publishes__ended_at__isnull=True)
        .filter(publishes__isnull=False)
        .exclude(room=room)
    )  # fmt: skip
    if not is_staff(request):
        others = others.filter(room__owner_id=own_person(request))
    near = list(others.select_related("room").order_by("-room__online", "pk").distinct()[:STREAMS])
    files = list(MediaFile.objects.filter(room=room, state=MediaFile.State.READY).order_by("-id")[:FILES])
    films = [file for file in files if file.container not in PICTURES]
    images = [file for file in files if file.container in PICTURES]
    return [
        {
            "kind": "stream", "title": "Streams",
            "options": [{"value": one.name, "title": f"This room: {one.label}"} for one in own]
            + [{"value": one.name, "title": f"{one.room.title or one.room.group_id}: {one.label}"} for one in near],
        },
        {"kind": "file", "title": "Films", "options": [{"value": one.number, "title": one.name} for one in films]},
        {"kind": "image", "title": "Pictures", "options": [{"value": one.number, "title": one.name} for one in images]},
        {
            "kind": "color", "title": "Colours",
            "options": [{"value": value, "title": title, "more": {"name": title}} for value, title in COLORS],
        },
    ]  # fmt: skip
