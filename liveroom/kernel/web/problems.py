"""Errors as application/problem+json (RFC 9457) with our codes. A client never sees a traceback; the unexpected is logged once."""

from __future__ import annotations

import logging
from typing import Any

import redis
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from liveroom.kernel.errors import PROBLEM, LiveRoomError, problem_body, told
from liveroom.kernel.web.shapes import bad_parameter

log = logging.getLogger(__name__)


def problem(exc: Exception, context: Any) -> Response | None:
    """REST framework's exception handler."""
    headers: dict[str, str] = {}
    if isinstance(exc, exceptions.ValidationError):
        exc = bad_parameter(exc)
    if isinstance(exc, LiveRoomError):
        body, headers = told(exc)
    elif isinstance(exc, Http404):
        body = problem_body(
            status=404, code=10010, name="not_found", detail=str(exc) or "There is nothing at this address."
        )
    elif isinstance(exc, PermissionDenied):
        body = problem_body(status=403, code=10007, name="not_permitted", detail=str(exc) or "This is not permitted.")
    elif isinstance(exc, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = problem_body(
            status=413, code=80002, name="too_large", detail=f"The body is larger than {limit:,} bytes."
        )
    elif isinstance(exc, exceptions.APIException):
        code = {401: 70002, 403: 10007, 404: 10010, 429: 60007}.get(exc.status_code, 10004)
        body = problem_body(status=exc.status_code, code=code, name=exc.default_code, detail=str(exc.detail))
        wait = getattr(exc, "wait", None)
        if wait:
            headers["Retry-After"] = str(int(-(-wait // 1)))
    elif isinstance(exc, DataError):
        # PostgreSQL refuses what SQLite would look for in vain: a NUL in an address or a query.
        body = problem_body(
            status=400, code=10004, name="bad_parameter", detail="A value holds what no text or number here can hold."
        )
    elif isinstance(exc, redis.RedisError | OperationalError):
        log.warning("%s while answering %s: %s", type(exc).__name__, context["request"].path, exc)
        body = problem_body(
            status=503, code=10002, name="unavailable", detail="A part of the service is away for a moment; try again."
        )
        headers["Retry-After"] = "2"
    else:
        return None
    if body["status"] == 401:
        headers["WWW-Authenticate"] = "Bearer"
    set_rollback()
    return Response(body, status=body["status"], headers=headers, content_type=PROBLEM)


def server_error(request: HttpRequest) -> JsonResponse:
    body = problem_body(status=500, code=10002, name="internal", detail="Something failed here; it has been logged.")
    return JsonResponse(body, status=500, content_type=PROBLEM)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    body = problem_body(
        status=400, code=10004, name="bad_request", detail="The request holds what cannot be read here."
    )
    return JsonResponse(body, status=400, content_type=PROBLEM)


def not_permitted(request: HttpRequest, exception: Exception) -> HttpResponse:
    body = problem_body(
        status=403, code=10007, name="not_permitted", detail=str(exception)[:300] or "This is not permitted."
    )
    return JsonResponse(body, status=403, content_type=PROBLEM)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    body = problem_body(status=404, code=10010, name="not_found", detail=f"There is nothing at {request.path[:200]}.")
    return JsonResponse(body, status=404, content_type=PROBLEM)
