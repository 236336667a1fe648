"""The admin site: who may come in, what the overview shows, and the pages that belong to no model."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from unfold.sites import UnfoldAdminSite

from liveroom.console import broadcast, overview, usersig
from liveroom.console.figures import earnings, reconciliation
from liveroom.console.media import wall
from liveroom.kernel.web import throttle
from liveroom.kernel.web.http import client_address

LOGINS_A_MINUTE = 20


class ConsoleSite(UnfoldAdminSite):
    """Staff see everything, a streamer its own rooms. Every page asks by itself; this only opens the front door."""

    index_template = "console/overview.html"
    login_template = "console/login.html"
    index_title = "Overview"

    def get_urls(self) -> list[Any]:
        return [
            path("usersig/", self.admin_view(usersig.page(self)), name="usersig"),
            path("broadcast/", self.admin_view(broadcast.page(self)), name="broadcast"),
            path("wall/", self.admin_view(wall.page(self)), name="wall"),
            path("reconciliation/", self.admin_view(reconciliation.page(self)), name="reconciliation"),
            path("earnings/", self.admin_view(earnings.page(self)), name="earnings"),
            path("earnings/statement.csv", self.admin_view(earnings.file(self)), name="earnings_file"),
            *super().get_urls(),
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().index(request, {**(extra_context or {}), "overview": overview.seen_by(request)})

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "POST":
            try:
                throttle.allow(what="console-login", who=client_address(request), limit=LOGINS_A_MINUTE, per_seconds=60)
            except throttle.TooOften as error:
                text = f"Too many logins from your address. {error.message}\n"
                return HttpResponse(text, status=error.status, content_type="text/plain; charset=utf-8")
        development = not settings.LIVEROOM.production
        return super().login(request, {**(extra_context or {}), "development": development})

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The theme's search keeps its answers in the cache; the lists have their own search."""
        raise Http404("There is no search here.")

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """What is missing or not for this login is told on a page of the console, not as the API tells it."""

        def told(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                return view(request, *args, **kwargs)
            except Http404:
                return self._no_page(request, status=404, text="There is no such page, or it is not yours to see.")
            except PermissionDenied:
                return self._no_page(request, status=403, text="Your login does not allow this.")

        return super().admin_view(update_wrapper(told, view), cacheable)

    def _no_page(self, request: HttpRequest, *, status: int, text: str) -> TemplateResponse:
        context = {**self.each_context(request), "title": "Nothing here", "text": text}
        return TemplateResponse(request, "console/missing.html", context, status=status)
