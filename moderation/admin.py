"""The audit log, to be searched and never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from liveroom.kernel.models import AuditEntry
from liveroom.kernel.pages import SwornAdmin


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
