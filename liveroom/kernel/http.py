"""The HTTP edge: whose request it is, and what our pages may load."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse


def client_address(request: Any) -> str:
    """The viewer's address: the peer, or what a trusted proxy said of it."""
    return str(request.META.get("REMOTE_ADDR", ""))


@lru_cache(maxsize=4096)
def _is_trusted(peer: str, proxies: tuple[str, ...]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in ip_network(proxy, strict=False) for proxy in proxies)


def is_trusted(peer: str) -> bool:
    """Whether an address is one of ours: loopback, or what LIVEROOM_TRUSTED_PROXIES names."""
    return _is_trusted(peer, settings.LIVEROOM.trusted_proxies)


def behind_proxy(*, peer: str, forwarded: str) -> str:
    """Whose request it is: the peer's, or what a trusted proxy wrote last into X-Forwarded-For."""
    if forwarded and is_trusted(peer):
        return forwarded.rsplit(",", 1)[-1].strip()[:45]
    return peer


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

    nginx overwrites X-Forwarded-For with its own peer, so exactly one address is believed: the last."""

    def before(self, request: HttpRequest) -> None:
        peer = request.META.get("REMOTE_ADDR") or ""
        request.META["LIVEROOM_PEER"] = peer
        request.META["REMOTE_ADDR"] = behind_proxy(peer=peer, forwarded=request.META.get("HTTP_X_FORWARDED_FOR", ""))


class ContentSecurityMiddleware(_Middleware):
    """A strict policy for our pages; the console (unfold, Alpine) and the API pages need inline code and get their own."""

    _page = (
        "default-src 'self'; img-src 'self' data: http: https:; media-src 'self' blob: {play}; connect-src 'self' {play} {ws}{more}; "
        "worker-src 'self' blob:; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
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
            # A view that knows of another place says so: `response.connects_to`, an origin.
            more=f" {more}" if (more := getattr(response, "connects_to", "")) else "",
            frames=" ".join(["'self'", *room.origins]) if room.origins else "'self'",
        )
        return response
