"""Staff's pages for what the kernel keeps: the outbox, the leases and the due jobs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from liveroom.kernel.models import DueJob, Lease, OutboxRow
from liveroom.kernel.web.pages import SwornAdmin


class ToldFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("pending", "pending"), ("failing", "failing"), ("told", "told")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "pending":
            return queryset.filter(done_at__isnull=True)
        if self.value() == "failing":
            return queryset.filter(done_at__isnull=True, tries__gt=0)
        if self.value() == "told":
            return queryset.filter(done_at__isnull=False)
        return queryset


@admin.register(OutboxRow)
class OutboxAdmin(SwornAdmin):
    """What still has to be told, and what kept it from being told."""

    list_display = ("id", "topic", "room_key", "state", "tries", "last_error", "created_at", "done_at")
    list_filter = (ToldFilter, "topic")
    search_fields = ("room_key", "event_id")
    ordering = ("-id",)

    @admin.display(description="state")
    def state(self, row: OutboxRow) -> str:
        if row.done_at is not None:
            return "told"
        return "failing" if row.tries else "pending"


@admin.register(Lease)
class LeaseAdmin(SwornAdmin):
    """Which process does the work that only one may do."""

    list_display = ("name", "holder", "token", "expires_at")


@admin.register(DueJob)
class DueJobAdmin(SwornAdmin):
    """What the task workers do again and again: when it is due, and who has it."""

    list_display = ("name", "due_at", "claimed_by", "claimed_until", "last_error")
    ordering = ("name",)
