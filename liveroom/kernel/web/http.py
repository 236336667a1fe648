"""The HTTP edge: whose request it is, and what our pages may load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from liveroom.kernel.web import addresses, origins
from liveroom.kernel.web.addresses import Caller


def client_address(request: Any) -> str:
    """The viewer's address: the peer, or what a trusted proxy said of it."""
    return str(request.META.get("REMOTE_ADDR", ""))


def is_trusted(peer: str) -> bool:
    """Whether an address is one of ours: loopback, or what LIVEROOM_TRUSTED_PROXIES names."""
    return addresses.is_among(peer, settings.LIVEROOM.trusted_proxies)


def behind_proxy(*, peer: str, forwarded: str, standard: str = "") -> Caller:
    """Whose request it is: the peer's, or the nearest that trusted proxies name. `forwarded`: X-Forwarded-For; `standard`: Forwarded."""
    return addresses.caller(peer=peer, forwarded=forwarded, standard=standard, is_trusted=is_trusted)


def source_of(caller: Caller) -> str:
    """What is counted for a caller, wherever addresses are counted. "": it is not, being one of ours that speaks for nobody else."""
    return "" if caller.named and is_trusted(caller.address) else addresses.household(caller.address)


def counted_source(request: Any) -> str:
    """The same of a request."""
    return str(request.META.get("LIVEROOM_SOURCE", ""))


def origin_is_ours(*, origin: str | None, host: str) -> bool:
    """Whether a web page of that origin may call (LIVEROOM_ORIGINS, or our own pages). `host`: the Host header."""
    config = settings.LIVEROOM
    ours = (*config.origins, origins.normal(config.public_http) or config.public_http)
    return origins.may_call(origin=origin, host=host, ours=ours, any_origin=config.any_origin)


class _Middleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.before(request)
        return self.after(request, self.get_response(request))

    def before(self, request: HttpRequest) -> None: ...

    def after(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        return response


class TrustedProxyMiddleware(_Middleware):
    """REMOTE_ADDR becomes the client's only if the peer is a proxy that we trust. The peer stays in LIVEROOM_PEER.

    nginx overwrites X-Forwarded-For with its own peer; of a longer list the nearest address that is no proxy of ours is believed."""

    def before(self, request: HttpRequest) -> None:
        peer = request.META.get("REMOTE_ADDR") or ""
        request.META["LIVEROOM_PEER"] = peer
        caller = behind_proxy(
            peer=peer,
            forwarded=request.META.get("HTTP_X_FORWARDED_FOR", ""),
            standard=request.META.get("HTTP_FORWARDED", ""),
        )
        request.META["REMOTE_ADDR"], request.META["LIVEROOM_SOURCE"] = caller.address, source_of(caller)


class ContentSecurityMiddleware(_Middleware):
    """A strict policy for our pages; the console (unfold, Alpine) and the API pages need inline code and get their own."""

    _page = (
        "default-src 'self'; img-src 'self' data: http: https:; media-src 'self' blob: {play}; connect-src 'self' {play} {ws}{more}; "
        "worker-src 'self' blob:; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'{frames}"
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
        # Like the API and the socket: without LIVEROOM_ORIGINS, every page may frame ours in development, also one from a file.
        anywhere = not room.origins and not room.production
        # A page is asked for by more names than LIVEROOM_HOST (localhost, an address): the socket stands on each of them.
        name = origins.in_address(origins.host_name(request.get_host()))
        sockets = f"{room.public_ws} ws://{name}:{room.ws_port}"
        response["Content-Security-Policy"] = (self._console if inline else self._page).format(
            play=f"{room.public_http} {getattr(response, 'plays_from', '')}".rstrip(),
            ws=sockets,
            # A view that knows of another place says so: `response.connects_to`, an origin; of another for pictures, `plays_from`.
            more=f" {more}" if (more := getattr(response, "connects_to", "")) else "",
            frames=""
            if anywhere
            else "; frame-ancestors " + " ".join(["'self'", *filter(origins.is_framing, room.origins)]),
        )
        if not inline:
            # frame-ancestors says it better, and browsers heed the older header where there is none.
            response.headers.pop("X-Frame-Options", None)
        return response
