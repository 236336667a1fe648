"""The admin site: who may come in, what the overview shows, and the pages that belong to no model."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from unfold.sites import UnfoldAdminSite

from liveroom.console import overview, usersig


class ConsoleSite(UnfoldAdminSite):
    """Staff see everything, a streamer its own rooms. Every page asks by itself; this only opens the front door."""

    index_template = "console/overview.html"
    login_template = "console/login.html"
    index_title = "Overview"

    def get_urls(self) -> list[Any]:
        return [path("usersig/", self.admin_view(usersig.page(self)), name="usersig"), *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().index(request, {**(extra_context or {}), "overview": overview.seen_by(request)})

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        development = not settings.LIVEROOM.production
        return super().login(request, {**(extra_context or {}), "development": development})
