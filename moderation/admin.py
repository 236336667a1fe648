"""Who is muted and banned, to be searched and freed; bans from a whole app. The audit log, to be searched and never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from liveroom.accounts.models import Person
from liveroom.kernel import clock
from liveroom.kernel.models import AuditEntry
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, SwornAdmin, is_staff, set_filter
from moderation.forms import AppBanForm
from moderation.models import Ban, Mute, MuteAll
from moderation.services import banning, muting


class ActionFilter(admin.SimpleListFilter):
    """By what was acted on: `room`, `stream`, `person` … the word before the dot."""

    title = "what"
    parameter_name = "what"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        actions = AuditEntry.objects.order_by().values_list("action", flat=True).distinct()[:200]
        return [(kind, kind.replace("_", " ")) for kind in sorted({action.partition(".")[0] for action in actions})]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(action__startswith=f"{self.value()}.") if self.value() else queryset


@admin.register(AuditEntry)
class AuditAdmin(SwornAdmin):
    list_display = ("at", "actor", "action", "target", "room_key", "reason", "address")
    list_filter = (ActionFilter,)
    search_fields = ("actor", "action", "target", "room_key", "reason", "address")
    date_hierarchy = "at"
    ordering = ("-at", "-id")


class HoldingFilter(admin.SimpleListFilter):
    title = "still on"
    parameter_name = "on"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "still on"), ("no", "over")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        over = Q(until__lte=clock.now())
        if self.value() == "yes":
            return queryset.exclude(over)
        return queryset.filter(over) if self.value() == "no" else queryset


class MeasureAdmin(SwornAdmin):
    """Rows that moderators made; staff may lift each."""

    list_filter: Any = (HoldingFilter, "room__app")
    search_fields: Any = ("person__identifier", "person__nick", "room__group_id", "room__title", "by", "reason")
    list_select_related: Any = ("person", "room__app")
    ordering = ("-id",)

    def asked(self, request: HttpRequest) -> dict[str, Any]:
        return {"by": self.actor(request), "now": clock.now(), "address": client_address(request)}

    def freed(self, request: HttpRequest, said: str) -> HttpResponse:
        """Back to the list: the row is gone."""
        self.message_user(request, said, messages.SUCCESS)
        opts = self.model._meta
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_changelist"))


@admin.register(Mute)
class MuteAdmin(MeasureAdmin):
    list_display = ("person", "room", "until", "since", "by", "reason")
    acts = (Act("lift", "Lift", icon="mic", question="Let this user speak again?"),)

    def act_lift(self, request: HttpRequest, row: Mute) -> HttpResponse:
        muting.unmute_user(room=row.room, identifier=row.person.identifier, **self.asked(request))
        return self.freed(request, f"{row.person} may speak again.")


@admin.register(MuteAll)
class MuteAllAdmin(MeasureAdmin):
    list_display = ("room", "since", "by")
    list_filter = ("room__app",)
    search_fields = ("room__group_id", "room__title", "by")
    list_select_related = ("room__app",)
    acts = (Act("lift", "Lift", icon="mic", question="Let everybody in this room speak again?"),)

    def act_lift(self, request: HttpRequest, row: MuteAll) -> HttpResponse:
        muting.unmute_everyone(room=row.room, **self.asked(request))
        return self.freed(request, f"Everybody in {row.room.group_id} may speak again.")


@admin.register(Ban)
class BanAdmin(MeasureAdmin):
    """Adding one bans from the whole app; from a room one bans on the room's page."""

    can_add = True
    form = AppBanForm
    list_display = ("person", "app", "room", "until", "since", "by", "reason")
    list_filter = (HoldingFilter, "app", set_filter("room", title="from", yes="a room", no="the whole app"))
    list_select_related = ("person", "room", "app")
    autocomplete_fields = ("person",)
    acts = (Act("lift", "Lift", icon="lock_open", question="Let this user in again?"),)

    def get_fields(self, request: HttpRequest, obj: Ban | None = None) -> Any:
        return super().get_fields(request, obj) if obj else ("person", "minutes", "reason")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return super().get_readonly_fields(request, obj) if obj else []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def save_model(self, request: HttpRequest, obj: Ban, form: Any, change: bool) -> None:
        said = form.cleaned_data
        person: Person = said["person"]
        ban = banning.ban_from_app(
            app=person.app,
            identifier=person.identifier,
            seconds=said["seconds"],
            reason=said["reason"],
            **self.asked(request),
        )
        obj.__dict__.update(ban.__dict__)

    def act_lift(self, request: HttpRequest, row: Ban) -> HttpResponse:
        who, asked = row.person.identifier, self.asked(request)
        if row.room is None:
            banning.lift_ban_from_app(app=row.app, identifier=who, **asked)
        else:
            banning.lift_ban(room=row.room, identifier=who, **asked)
        return self.freed(request, f"{who} may come in again.")
