"""The HTTP edge: client addresses, strict JSON, problem+json errors, content security.

A client never sees a traceback; what was unexpected is logged once."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import redis
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions, parsers, renderers
from rest_framework.response import Response
from rest_framework.views import set_rollback

from liveroom.kernel.errors import LiveRoomError

log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
MAX_DEPTH = 32


def client_address(request: Any) -> str:
    """The viewer's address: the peer, or what a trusted proxy said of it."""
    return str(request.META.get("REMOTE_ADDR", ""))


def behind_proxy(*, peer: str, forwarded: str) -> str:
    """Whose request it is: the peer's, or what a trusted proxy wrote last into X-Forwarded-For."""
    if forwarded and peer in settings.LIVEROOM.trusted_proxies:
        return forwarded.rsplit(",", 1)[-1].strip()[:45]
    return peer


class _Middleware:
    """Works in both worlds without a thread hop in the asynchronous one."""

    async_capable = True
    sync_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        self.before(request)
        if iscoroutinefunction(self.get_response):
            return self._later(request)
        return self.after(request, self.get_response(request))

    async def _later(self, request: HttpRequest) -> HttpResponse:
        answer: Awaitable[HttpResponse] = self.get_response(request)
        return self.after(request, await answer)

    def before(self, request: HttpRequest) -> None: ...

    def after(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        return response


class TrustedProxyMiddleware(_Middleware):
    """REMOTE_ADDR becomes the client's only if the peer is a proxy that we trust. The peer stays in LIVEROOM_PEER.

    nginx overwrites X-Forwarded-For with its own peer, so exactly one address is believed: the last."""

    def before(self, request: HttpRequest) -> None:
        peer = request.META.get("REMOTE_ADDR") or ""
        request.META["LIVEROOM_PEER"] = peer
        request.META["REMOTE_ADDR"] = behind_proxy(peer=peer, forwarded=request.META.get("HTTP_X_FORWARDED_FOR", ""))


class ContentSecurityMiddleware(_Middleware):
    """A strict policy for our pages; the console (unfold, Alpine) and the API pages need inline code and get their own."""

    _page = (
        "default-src 'self'; img-src 'self' data: http: https:; media-src 'self' blob: {play}; connect-src 'self' {play} {ws}; "
        "worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors {frames}"
    )
    _console = (
        "default-src 'self'; img-src 'self' data: blob: http: https:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'self'; connect-src 'self' {ws}; "
        "media-src 'self' blob:; worker-src 'self' blob:"
    )

    def after(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if "Content-Security-Policy" in response or not response.get("Content-Type", "").startswith("text/html"):
            return response
        room = settings.LIVEROOM
        inline = request.path.startswith(("/admin/", "/api/docs"))
        # A page is asked for by more names than LIVEROOM_HOST (localhost, an address): the socket stands on each of them.
        sockets = f"{room.public_ws} ws://{request.get_host().rsplit(':', 1)[0]}:{room.ws_port}"
        response["Content-Security-Policy"] = (self._console if inline else self._page).format(
            play=room.public_http,
            ws=sockets,
            frames=" ".join(["'self'", *room.origins]) if room.origins else "'self'",
        )
        return response


class JSONRenderer(renderers.JSONRenderer):
    charset = "utf-8"
    ensure_ascii = False


class StrictJSONParser(parsers.BaseParser):
    """JSON as RFC 8259 has it: UTF-8, an object on top, no NaN, no repeated key, at most 32 levels."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = stream.read()
        if not raw:
            return {}
        try:
            value = strict_json(raw)
        except ValueError as error:
            raise exceptions.ParseError(f"The body is not the JSON object that is expected here: {error}.") from None
        if not isinstance(value, dict):
            raise exceptions.ParseError("The body must be a JSON object, such as {\"title\": \"…\"}.")
        return value


class RepeatedKey(ValueError):
    pass


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RepeatedKey("an object names the same key twice")
    return found


def _no_constants(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def strict_json(raw: bytes | str) -> Any:
    """Parse, or ValueError with a sentence. Depth is counted before parsing, so that a bomb costs one pass."""
    text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
    depth = deepest = 0
    quoted = escaped = False
    for char in text:
        if quoted:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                quoted = False
        elif char == '"':
            quoted = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    if deepest > MAX_DEPTH:
        raise ValueError(f"nested {deepest} levels deep; the limit is {MAX_DEPTH}")
    value = json.loads(text, object_pairs_hook=_no_repeats, parse_constant=_no_constants)
    _refuse_surrogates(text)
    return value


def _refuse_surrogates(text: str) -> None:
    r"""A lone \ud800 parses, and then breaks whoever encodes it. Pairs are fine."""
    if "\\u" not in text:
        return
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("it holds half of a surrogate pair") from None


def problem_body(*, status: int, code: int, name: str, detail: str, **extra: Any) -> dict[str, Any]:
    return {
        "type": f"urn:liveroom:error:{name}",
        "title": name.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "name": name,
        **extra,
    }


def problem_response(error: LiveRoomError) -> JsonResponse:
    """For views outside REST framework."""
    answer = JsonResponse(
        problem_body(status=error.status, code=error.code, name=error.name, detail=error.message, **error.extra),
        status=error.status,
        content_type=PROBLEM,
    )
    if "retry_after_ms" in error.extra:
        answer["Retry-After"] = str(-(-int(error.extra["retry_after_ms"]) // 1000))
    return answer


def problem(exc: Exception, context: Any) -> Response | None:
    """REST framework's exception handler."""
    headers: dict[str, str] = {}
    if isinstance(exc, LiveRoomError):
        body = problem_body(status=exc.status, code=exc.code, name=exc.name, detail=exc.message, **exc.extra)
        if "retry_after_ms" in exc.extra:
            headers["Retry-After"] = str(-(-int(exc.extra["retry_after_ms"]) // 1000))
    elif isinstance(exc, exceptions.ValidationError):
        fields = exc.get_full_details()
        body = problem_body(status=400, code=10004, name="bad_parameter", detail=_first_sentence(exc.detail), fields=fields)
    elif isinstance(exc, Http404):
        body = problem_body(status=404, code=10010, name="not_found", detail=str(exc) or "There is nothing at this address.")
    elif isinstance(exc, PermissionDenied):
        body = problem_body(status=403, code=10007, name="not_permitted", detail=str(exc) or "This is not permitted.")
    elif isinstance(exc, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = problem_body(status=413, code=80002, name="too_large", detail=f"The body is larger than {limit:,} bytes.")
    elif isinstance(exc, exceptions.APIException):
        code = {401: 70002, 403: 10007, 404: 10010, 429: 60007}.get(exc.status_code, 10004)
        body = problem_body(status=exc.status_code, code=code, name=exc.default_code, detail=_first_sentence(exc.detail))
        wait = getattr(exc, "wait", None)
        if wait:
            headers["Retry-After"] = str(int(-(-wait // 1)))
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


def _first_sentence(detail: Any, path: str = "") -> str:
    if isinstance(detail, dict):
        key, value = next(iter(detail.items()))
        return _first_sentence(value, f"{path}.{key}" if path else str(key))
    if isinstance(detail, list):
        return _first_sentence(detail[0], path)
    return f"{path}: {detail}" if path and path != "detail" else str(detail)


def server_error(request: HttpRequest) -> JsonResponse:
    body = problem_body(status=500, code=10002, name="internal", detail="Something failed here; it has been logged.")
    return JsonResponse(body, status=500, content_type=PROBLEM)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    body = problem_body(status=404, code=10010, name="not_found", detail=f"There is nothing at {request.path[:200]}.")
    return JsonResponse(body, status=404, content_type=PROBLEM)
