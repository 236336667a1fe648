"""The room's page, for staff and for the streamer who owns it; a room's admins see it without money and keys.

What streams know of a room (the address for OBS, health) is added by the roof: liveroom/console/room_page.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import TabularInline

from liveroom.accounts.api.authentication import login_actor
from liveroom.accounts.models import Login, Person
from liveroom.kernel import clock
from liveroom.kernel.permission import Actor
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, ConsoleAdmin, is_staff, set_filter
from liveroom.rooms.admin.forms import NoticeForm, RoomForm, UserForm
from liveroom.rooms.admin.rights import moderates, own_person, runs, seen_by
from liveroom.rooms.models import Room, RoomAdmin, RoomAttribute, RoomCounter
from liveroom.rooms.rules.status import Status, legal_next
from liveroom.rooms.services import covers, people, rooms
from liveroom.rooms.services import status as status_service
from liveroom.rooms.services.rooms import RoomSaid

STATUS_ACTS = {
    Status.LIVE: Act("status-live", "Go live", icon="play_circle"),
    Status.PAUSED: Act("status-paused", "Pause", icon="pause_circle"),
    Status.ENDED: Act(
        "status-ended", "End the show", icon="stop_circle", danger=True,
        question="End the show? Viewers see that it is over, and whoever is pushing is cut.",
    ),
    Status.PLAYED_BACK: Act("status-played_back", "Offer playback", icon="replay"),
}  # fmt: skip


APPOINT = Act("appoint", "Appoint", icon="person_add", form=UserForm, apart=True)
DISMISS = Act("dismiss", "Dismiss", icon="person_remove", form=UserForm, apart=True)
DISBAND = Act(
    "disband", "Disband the room", icon="delete_forever", danger=True, apart=True,
    question="Disband this room? Everyone in it is told and disconnected, and it cannot be opened again.",
)  # fmt: skip

NOTICE = Act("notice", "Change the notice", icon="edit_note", form=NoticeForm, apart=True)

SAID = (
    "title", "introduction", "notice", "category", "tags", "cover", "starts_at", "viewer_limit", "bandwidth_limit_kbps",
    "messages_per_second", "message_bytes",
)  # fmt: skip

# Of a room that is no more. Never the password, not even hashed.
LOOKED = (
    "app", "owner", "group_id", "title", "notice", "introduction", "category", "tag_line", "status", "status_at", "created_at",
    "disbanded_at",
)  # fmt: skip


# What a room's admin reads of it.
MODERATED = (
    "streamer",
    "group_id",
    "title",
    "notice",
    "introduction",
    "category",
    "tag_line",
    "starts_at",
    "created_at",
)


class _Looked(TabularInline):
    """Rows of a room that staff look at."""

    tab = True
    extra = max_num = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_staff(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AttributeInline(_Looked):
    model = RoomAttribute
    fields = ("key", "value", "version")


class CounterInline(_Looked):
    model = RoomCounter
    fields = ("key", "value")


class RoomPages(ConsoleAdmin):
    """Base of the room's page; `liveroom.console.room_page` registers it with its panels."""

    form = RoomForm
    inlines = (AttributeInline, CounterInline)
    list_display = ("title", "group_id", "shown_status", "online", "owner", "starts_at", "visibility")
    list_display_links = ("title", "group_id")
    search_fields = ("title", "group_id", "owner__identifier", "owner__nick")
    list_select_related = ("app", "owner")
    ordering = ("-id",)
    acts: Sequence[Act] = (*STATUS_ACTS.values(), APPOINT, DISMISS, NOTICE, DISBAND)
    autocomplete_fields = ("owner",)

    # -- who

    def actor(self, request: HttpRequest) -> Actor:
        return login_actor(cast(Login, request.user))

    def _may(self, request: HttpRequest, obj: Any) -> bool:
        if is_staff(request):
            return True
        return own_person(request) is not None and (obj is None or runs(request, obj))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, None)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj) or (obj is not None and moderates(request, obj))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj) and (obj is None or obj.disbanded_at is None)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request, None)

    def get_queryset(self, request: HttpRequest) -> Any:
        found = super().get_queryset(request).select_related("app", "owner")
        return found if is_staff(request) else found.filter(seen_by(request))

    # -- the list

    def get_list_filter(self, request: HttpRequest) -> Any:
        if not is_staff(request):
            return ("status",)
        return ("status", "app", "visibility", set_filter("disbanded_at", title="state", yes="disbanded", no="open"))

    def get_list_display(self, request: HttpRequest) -> Any:
        found = super().get_list_display(request)
        # Where somebody moderates, the rooms are of several people.
        own = own_person(request)
        several = is_staff(request) or (own is not None and RoomAdmin.objects.filter(person_id=own).exists())
        return found if several else [name for name in found if name != "owner"]

    @admin.display(description="streamer")
    def streamer(self, room: Room) -> str:
        """Without a link: a room's admin may not open the page of its owner."""
        return str(room.owner)

    @admin.display(description="status", ordering="status")
    def shown_status(self, room: Room) -> str:
        status = "disbanded" if room.disbanded_at else room.status
        return format_html('<span class="lr-status" data-status="{}">{}</span>', status, status.replace("_", " "))

    # -- the form

    def get_fieldsets(self, request: HttpRequest, obj: Room | None = None) -> Any:
        new: tuple[str, ...] = () if obj else ("group_id",)
        if obj is None and is_staff(request):
            new = ("app", "owner", *new)
        said = (*new, "title", "notice", "introduction", "category", "tags", "cover", "cover_file", "starts_at")
        if obj is None:
            return [(None, {"fields": tuple(name for name in said if name != "cover_file")})]
        if not runs(request, obj):
            return [(None, {"fields": MODERATED})]
        if not self.has_change_permission(request, obj):
            return [(None, {"fields": LOOKED})]
        password = ("password", "no_password") if obj.password else ("password",)
        return [
            ("What viewers read", {"fields": said}),
            ("Who comes in", {"fields": ("visibility", *password, "allow_list_only", "allow_list")}),
            (
                "Limits",
                {"fields": ("viewer_limit", "bandwidth_limit_kbps", "messages_per_second", "message_bytes")},
            ),
        ]

    def get_fields(self, request: HttpRequest, obj: Room | None = None) -> Any:
        return [name for _, part in self.get_fieldsets(request, obj) for name in part["fields"]]

    def get_inlines(self, request: HttpRequest, obj: Room | None) -> Any:
        return self.inlines if obj else ()

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """One button: it saves, and the page stays."""
        context.update(show_save_and_continue=False, show_save_and_add_another=False)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Room, form: Any, change: bool) -> None:
        by, now, said = self.actor(request), clock.now(), form.cleaned_data
        if not change:
            obj.__dict__.update(self._opened(request, said, by=by, now=now).__dict__)
            return
        changes = {name: said[name] for name in SAID if name in form.changed_data}
        if changes:
            rooms.change_room(room=obj, changes=cast(RoomSaid, changes), by=by, now=now)
        if said.get("cover_file"):
            covers.upload_cover(room=obj, raw=said["cover_file"], by=by, now=now, address=client_address(request))
        access: dict[str, Any] = {
            name: said[name] for name in ("visibility", "allow_list_only") if name in form.changed_data
        }
        if said.get("no_password"):
            access["password"] = ""
        elif said.get("password"):
            access["password"] = said["password"]
        if access:
            rooms.change_access(room=obj, by=by, now=now, **access)
        if "allow_list" in form.changed_data:
            people.set_allow_list(room=obj, identifiers=said["allow_list"], by=by, now=now)

    def _opened(self, request: HttpRequest, said: dict[str, Any], *, by: Actor, now: Any) -> Room:
        owner = cast(Person, said["owner"] if is_staff(request) else cast(Login, request.user).person)
        first = {name: said[name] for name in SAID if said.get(name)}
        return rooms.create_room(
            app=owner.app, owner=owner, by=by, now=now, group_id=said.get("group_id") or None, **first
        )

    def response_add(self, request: HttpRequest, obj: Room, post_url_continue: Any = None) -> HttpResponse:
        self.message_user(request, "The room is open. Below is the address to push to.", messages.SUCCESS)
        return HttpResponseRedirect(self.page_url(obj))

    def response_change(self, request: HttpRequest, obj: Room) -> HttpResponse:
        self.message_user(request, "Saved. Viewers see it at once.", messages.SUCCESS)
        return HttpResponseRedirect(self.page_url(obj))

    # -- acts

    def acts_for(self, request: HttpRequest, obj: Room) -> Sequence[Act]:
        if obj.disbanded_at is not None or not runs(request, obj):
            return ()
        shown = [STATUS_ACTS[status] for status in STATUS_ACTS if status in legal_next(Status(obj.status))]
        return [*shown, *(act for act in self.acts if act not in STATUS_ACTS.values())]

    def _set(self, request: HttpRequest, room: Room, status: Status) -> str:
        found = status_service.set_status(
            room=room, status=status, by=self.actor(request), now=clock.now(), address=client_address(request)
        )
        return f"The room is {found.get_status_display()}."

    def act_status_live(self, request: HttpRequest, room: Room) -> str:
        return self._set(request, room, Status.LIVE)

    def act_status_paused(self, request: HttpRequest, room: Room) -> str:
        return self._set(request, room, Status.PAUSED)

    def act_status_ended(self, request: HttpRequest, room: Room) -> str:
        return self._set(request, room, Status.ENDED)

    def act_status_played_back(self, request: HttpRequest, room: Room) -> str:
        return self._set(request, room, Status.PLAYED_BACK)

    def act_appoint(self, request: HttpRequest, room: Room, *, user: str) -> str:
        people.appoint_admin(room=room, identifier=user, by=self.actor(request), now=clock.now())
        return f"{user} is an admin of this room."

    def act_dismiss(self, request: HttpRequest, room: Room, *, user: str) -> str:
        people.dismiss_admin(room=room, identifier=user, by=self.actor(request), now=clock.now())
        return f"{user} is no longer an admin of this room."

    def act_notice(self, request: HttpRequest, room: Room, *, notice: str) -> str:
        """For the room's admins, who do not have the form below."""
        rooms.change_room(room=room, changes={"notice": notice}, by=self.actor(request), now=clock.now())
        return "Viewers see the new notice."

    def act_disband(self, request: HttpRequest, room: Room) -> HttpResponse:
        """Back to the list: for its streamer the room's page is gone."""
        rooms.disband_room(room=room, by=self.actor(request), now=clock.now(), address=client_address(request))
        self.message_user(request, f"The room {room.title!r} is disbanded.", messages.SUCCESS)
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:rooms_room_changelist"))
