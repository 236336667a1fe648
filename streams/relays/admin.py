"""Staff's page for relays. Addresses hold keys of other platforms: staff, too, see only where they lead."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from liveroom.kernel import clock
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, SwornAdmin
from streams.relays import services
from streams.relays.models import Relay


@admin.register(Relay)
class RelayAdmin(SwornAdmin):
    list_display = (
        "number",
        "kind",
        "label",
        "room",
        "stream",
        "whence",
        "whither",
        "enabled",
        "state",
        "reason",
        "since",
    )
    list_filter = ("kind", "state", "enabled", "app")
    search_fields = ("number", "label", "stream__name", "room__group_id", "reason")
    list_select_related = ("room", "stream")
    ordering = ("-id",)
    exclude = ("source", "target")
    acts = (
        Act("restart", "Restart", icon="restart_alt", question="Connect this relay anew now?"),
        Act("stop", "Switch off", icon="stop_circle", danger=True, question="Switch this relay off?"),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = [name for name in super().get_readonly_fields(request, obj) if name not in self.exclude]
        return [*fields, "whence", "whither"]

    @admin.display(description="from")
    def whence(self, relay: Relay) -> str:
        return relay.shown_source

    @admin.display(description="to")
    def whither(self, relay: Relay) -> str:
        return relay.shown_target

    def acts_for(self, request: HttpRequest, obj: Any) -> Any:
        return self.acts if obj.enabled and not obj.is_over else self.acts[:1]

    def act_restart(self, request: HttpRequest, relay: Relay) -> str:
        services.restart_relay(relay=relay, by=self.actor(request), now=clock.now(), address=client_address(request))
        return "It connects anew."

    def act_stop(self, request: HttpRequest, relay: Relay) -> str:
        services.change_relay(
            relay=relay, by=self.actor(request), now=clock.now(), address=client_address(request), enabled=False
        )
        return "It is switched off."
