"""What an address answers that has no page, or whose page failed: a page for people, problem+json for programs."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from liveroom.kernel.web import problems

log = logging.getLogger(__name__)

# Whatever asks here is a program, also one that says it takes anything.
FOR_PROGRAMS = (
    "/api/v1/",
    "/api/schema",
    "/engine/",
    "/livez",
    "/readyz",
    "/metrics",
    "/ws/",
    "/live/",
    "/hls/",
    "/ladder/",
)


def wants_page(request: HttpRequest) -> bool:
    """Whether a browser asks: it names HTML. A program names JSON, or takes anything."""
    if request.path.startswith(FOR_PROGRAMS):
        return False
    return any(
        part.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")
        for part in request.headers.get("Accept", "").split(",")
    )


def _page(request: HttpRequest, *, status: int) -> HttpResponse | None:
    """Without the request: no login, no database and no message is asked for, as one of them may be what failed."""
    if not wants_page(request):
        return None
    try:
        return HttpResponse(render_to_string("page/error.html", {"status": status}), status=status)
    except Exception:
        log.exception("The page for %s failed.", status)
        return None


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, status=400) or problems.bad_request(request, exception)


def not_permitted(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, status=403) or problems.not_permitted(request, exception)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(request, status=403) or problems.not_permitted(request, Exception(reason))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, status=404) or problems.page_not_found(request, exception)


def server_error(request: HttpRequest, *args: Any) -> HttpResponse:
    return _page(request, status=500) or problems.server_error(request)
