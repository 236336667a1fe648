"""What a client says in its handshake: who it is, which app it means, on what it runs, and from where it heard already."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings

from interactions.delivery.people import user_events, whereabouts
from liveroom.kernel.web import devices, origins
from liveroom.kernel.web.http import origin_is_ours

SUBPROTOCOL = "liveroom.v1"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is needed for as long as the socket lives. `http`: under which origin this viewer sees our pages."""

    sdkappid: int | None
    platform: str
    http: str


@dataclass(frozen=True, slots=True)
class Handshake:
    """`usersig`: "" of a guest. `since`: up to where the person heard what concerns it alone. `traces`: of the device and the address."""

    asked: Asked
    usersig: str
    since: tuple[str, int] | None
    traces: frozenset[str]
    subprotocol: str | None
    origin_is_ours: bool


def handshake_of(scope: Mapping[str, Any], *, address: str) -> Handshake:
    """`address`: the viewer's."""
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    protocols = scope.get("subprotocols") or []
    speaks_ours = protocols[:1] == [SUBPROTOCOL]
    # In the address, or as the second subprotocol.
    usersig = query.get("usersig", [""])[0]
    if not usersig and speaks_ours and len(protocols) > 1:
        usersig = protocols[1]
    host = headers.get(b"host", "")
    return Handshake(
        asked=_asked(query, host=origins.host_name(host)),
        usersig=usersig,
        since=user_events.asked_since(query.get("you", [""])[0]),
        traces=devices.traces_of(device=devices.device_in(headers.get(b"cookie", "")), address=address),
        subprotocol=SUBPROTOCOL if speaks_ours else None,
        origin_is_ours=origin_is_ours(origin=headers.get(b"origin", ""), host=host),
    )


def _asked(query: Mapping[str, list[str]], *, host: str) -> Asked:
    """`host`: the name that was dialled; in development our pages stand under it."""
    raw = query.get("sdkappid", [""])[0]
    platform = query.get("platform", [""])[0]
    config = settings.LIVEROOM
    http = (
        str(config.public_http)
        if config.production
        else f"http://{origins.in_address(host) or config.host}:{config.http_port}"
    )
    return Asked(
        sdkappid=int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= 15 else None,
        platform=platform if platform in whereabouts.PLATFORMS else whereabouts.WEB,
        http=sys.intern(http),
    )
