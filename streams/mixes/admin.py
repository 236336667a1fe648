"""Staff's page for mixes: what they take in, how they do, and an end."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from liveroom.kernel import clock
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, SwornAdmin
from streams.mixes import services
from streams.mixes.models import Mix


@admin.register(Mix)
class MixAdmin(SwornAdmin):
    list_display = ("number", "label", "room", "stream", "layout", "follows", "state", "reason", "since")
    list_filter = ("state", "follows", "burns_comments", "app")
    search_fields = ("number", "label", "stream__name", "room__group_id", "reason")
    list_select_related = ("room", "stream")
    ordering = ("-id",)
    acts = (Act("end", "End", icon="stop_circle", danger=True, question="End this mix now?"),)

    def acts_for(self, request: HttpRequest, obj: Any) -> Any:
        return () if obj.is_over else self.acts

    def act_end(self, request: HttpRequest, mix: Mix) -> str:
        services.end_mix(mix=mix, by=self.actor(request), now=clock.now(), address=client_address(request))
        return "It ends."
