"""The archive, to be searched and never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from interactions import catalogue
from interactions.models import ArchivedMessage
from liveroom.accounts.models import Person
from liveroom.kernel.web.pages import BoundedPaginator, SwornAdmin


class SampledFilter(admin.SimpleListFilter):
    title = "heard"
    parameter_name = "heard"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "delivered"), ("no", "sampled")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(seq__isnull=self.value() == "no") if self.value() else queryset


class TypeFilter(admin.SimpleListFilter):
    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name, kind in catalogue.room_events().items() if kind.numbered]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(ArchivedMessage)
class ArchiveAdmin(SwornAdmin):
    list_display = ("at", "room", "from_whom", "shown_text", "type", "priority", "seq", "sampled")
    list_display_links = ("at", "shown_text")
    list_filter = (("room", AutocompleteSelectFilter), SampledFilter, TypeFilter, "room__app")
    search_fields = ("text", "sender")
    search_help_text = "In texts and user ids."
    date_hierarchy = "at"
    list_select_related = ("room__app",)
    ordering = ("-at", "-id")
    paginator = BoundedPaginator
    show_full_result_count = False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page's senders by name, in one query: the archive keeps ids."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        found = Person.objects.filter(
            app_id__in={row.room.app_id for row in rows}, identifier__in={row.sender for row in rows if row.sender}
        )
        people = {(person.app_id, person.identifier): person for person in found}
        for row in rows:
            row.person = people.get((row.room.app_id, row.sender))
        changelist.result_list = rows
        return changelist

    @admin.display(description="from", ordering="sender")
    def from_whom(self, row: Any) -> Any:
        return self.link_to(row.person) if row.person else row.sender or "the system"

    @admin.display(description="text")
    def shown_text(self, row: ArchivedMessage) -> str:
        return row.text if len(row.text) <= 120 else f"{row.text[:119]}…"
