"""What all of the gateway's handlers share: the gateway they ask, the ticket in an address, which pages may read an answer."""

from __future__ import annotations

from aiohttp import web

from liveroom.kernel.errors import LiveRoomError, NotPermitted, TryLater
from liveroom.kernel.web import addresses, origins
from streams.gateway import access
from streams.gateway.gateway import Admitted, Gateway
from streams.gateway.picture.viewer import Ticket
from streams.gateway.policies import Policy

GATEWAY = web.AppKey("gateway", Gateway)
METHODS = "GET, HEAD, OPTIONS"


class OriginRefused(NotPermitted):
    """A web page of a site that is not in LIVEROOM_ORIGINS. 10007."""

    name = "origin_not_allowed"


class NotReady(TryLater):
    """The stream is live but there is no picture to begin with yet. 10002."""

    name = "stream_starting"


class WrongMethod(LiveRoomError):
    code, name, status = 10004, "method_not_allowed", 405


def cors(request: web.Request) -> dict[str, str]:
    room = request.app[GATEWAY].settings
    if room.any_origin:
        return {"Access-Control-Allow-Origin": "*"}
    origin = request.headers.get("Origin", "")
    if origin in room.origins:
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    return {"Vary": "Origin"} if room.origins else {}


def asked_otherwise(request: web.Request) -> web.Response | None:
    """The answer to whoever asks what it may ask; None for those who want something."""
    if request.method == "OPTIONS":
        allowed = {
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": "Range",
            "Access-Control-Max-Age": "86400",
        }
        return web.Response(status=204, headers={**cors(request), **allowed, "Allow": METHODS})
    if request.method not in ("GET", "HEAD"):
        raise WrongMethod(f"{request.method[:20]} is not for streams; ask with GET.")
    return None


def query_of(request: web.Request) -> dict[str, list[str]]:
    return {key: request.query.getall(key) for key in request.query}


async def admitted_to(request: web.Request, stream: str) -> Admitted:
    ticket, tx_secret = access.ticket_of(stream=stream, query=query_of(request))
    return await request.app[GATEWAY].admit(ticket=ticket, tx_secret=tx_secret)


def refuse_foreign_page(request: web.Request) -> None:
    """Browsers ask nobody before they open a WebSocket: the check is ours. Programs send no Origin."""
    room = request.app[GATEWAY].settings
    origin = request.headers.get("Origin")
    host = request.headers.get("Host", "")
    if not origins.may_call(origin=origin, host=host, ours=room.origins, any_origin=room.any_origin, same_port=True):
        raise OriginRefused("Pages of this origin may not play here; add it to LIVEROOM_ORIGINS.")


def count_admitted(request: web.Request, admitted: Admitted) -> None:
    bitrate_kbps = request.app[GATEWAY].bitrate_kbps(admitted.stream)
    count_player(request, policy=admitted.policy, ticket=admitted.ticket, bitrate_kbps=bitrate_kbps)


def count_player(request: web.Request, *, policy: Policy, ticket: Ticket, bitrate_kbps: int) -> None:
    """A player of playlists that asked again, or for the first time: then there must be room for it. ViewerLimit, BandwidthLimit."""
    gateway = request.app[GATEWAY]
    who = f"{_address(request)} {request.headers.get('User-Agent', '')[:200]}"
    if ticket.vid and access.proven(ticket=ticket, vid_secret=gateway.settings.vid_secret):
        who = ticket.vid  # where nobody proves it, anybody could take every place with invented ones
    if request.method == "GET":
        gateway.audience.hls_seen(policy=policy, who=who, bitrate_kbps=bitrate_kbps)


def playlist(request: web.Request, text: bytes, *, stream: str) -> web.Response:
    request.app[GATEWAY].sent.playlist(stream=stream, size=len(text))
    headers = {**cors(request), "Cache-Control": "no-store", "Content-Type": "application/vnd.apple.mpegurl"}
    return web.Response(body=text, headers=headers)


def _address(request: web.Request) -> str:
    """nginx names the viewer and lets nobody else do so; it is our only peer."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    return addresses.caller(peer=request.remote or "", forwarded=forwarded, is_trusted=_is_nginx).address


def _is_nginx(address: str) -> bool:
    return address in ("127.0.0.1", "::1")
