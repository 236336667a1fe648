"""`/livez`, `/readyz`, `/metrics`: for load balancers, supervisors and Prometheus."""

from __future__ import annotations

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST
from redis import RedisError

from liveroom.kernel.data.redis import PREFIX, shared
from liveroom.kernel.web import addresses
from liveroom.kernel.work import process
from liveroom.kernel.work.metrics import exposition


def livez(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """The process can do its work: the database answers, Redis takes a write, and it is not
    about to end. 503 names what is not so."""
    if process.draining.is_set():
        return JsonResponse({"ready": False, "process": "draining"}, status=503)
    parts = {"database": _asks(lambda: connection.cursor().execute("SELECT 1")), "redis": _asks(_redis_writes)}
    ready = all(parts.values())
    body = {"ready": ready, **{name: "ok" if good else "away" for name, good in parts.items()}}
    return JsonResponse(body, status=200 if ready else 503)


def _redis_writes() -> None:
    """One that is full, or a copy that lost its master, answers every question and takes nothing. RedisError."""
    shared().set(f"{PREFIX}:ready", "1", ex=10)


def _asks(question: object) -> bool:
    try:
        question()  # type: ignore[operator]
    except (DatabaseError, RedisError, OSError):
        return False
    return True


def metrics(request: HttpRequest) -> HttpResponse:
    """For scrapers inside: 404 for what came through a proxy from a stranger's address."""
    if not addresses.is_among(request.META.get("REMOTE_ADDR", ""), settings.LIVEROOM.metrics_from):
        return HttpResponseNotFound("Metrics are for LIVEROOM_METRICS_FROM only.\n", content_type="text/plain")
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
