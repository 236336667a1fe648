"""Staff's pages: watermarks, and what the number of an invisible mark stands for."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from liveroom.kernel import clock
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, SwornAdmin
from streams.watermarks import services
from streams.watermarks.models import Mark, Watermark
from streams.watermarks.selectors import named


@admin.register(Watermark)
class WatermarkAdmin(SwornAdmin):
    list_display = ("number", "kind", "room", "stream", "mix", "rule", "relay", "template", "by", "updated_at")
    list_filter = ("app",)
    search_fields = ("number", "stream__name", "room__group_id")
    list_select_related = ("room", "stream", "mix", "rule", "relay", "template")
    ordering = ("-id",)
    acts = (Act("delete", "Delete", icon="delete", danger=True, question="Take this watermark away?"),)

    @admin.display(description="kind")
    def kind(self, watermark: Watermark) -> str:
        return str(watermark.settings.get("kind", ""))

    def acts_for(self, request: HttpRequest, obj: Any) -> Any:
        return self.acts if obj.template_id is None else ()

    def act_delete(self, request: HttpRequest, watermark: Watermark) -> str:
        services.delete_watermark(
            watermark=watermark, by=self.actor(request), now=clock.now(), address=client_address(request)
        )
        return "It is taken away."


@admin.register(Mark)
class MarkAdmin(SwornAdmin):
    """A number that `read_mark` found is looked for here."""

    list_display = ("number", "purpose", "stream", "room", "target", "app", "made_at")
    list_filter = ("purpose", "app")
    search_fields = ("number", "stream", "room", "target")
    ordering = ("-id",)

    @admin.display(description="in words")
    def words(self, mark: Mark) -> str:
        found = named(mark.number)
        return "" if found is None else found.words

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "words"]
