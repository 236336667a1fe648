"""The window over HTTP: `/live/<stream>/dvr/index.m3u8`, whole, from a moment on, or as a list that moves some seconds behind.

By the checks of every other way to play, but that a stream whose publisher is away for a moment goes on: what there is of it is on the
disk. Its files are nginx's, under the signature in the list."""

from __future__ import annotations

import time
from collections.abc import Sequence

from aiohttp import web

from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter, NotFound
from streams.gateway import access
from streams.gateway.edge import GATEWAY, NotReady, asked_otherwise, cors, count_player
from streams.gateway.gateway import Gateway
from streams.timeshift import playlist, rules
from streams.timeshift.rules import Item, Shift

INDEX = "index.m3u8"
_MOST_DIGITS = 14


class NoWindow(NotFound):
    """The stream cannot be rewound: no rule says so. 10010."""

    name = "no_timeshift"


async def window_playlist(request: web.Request) -> web.StreamResponse:
    if (answer := asked_otherwise(request)) is not None:
        return answer
    if request.match_info["file"] != INDEX:
        raise NotFound(f"A window is at /live/<stream>/dvr/{INDEX}.")
    gateway, stream = request.app[GATEWAY], request.match_info["stream"]
    since, delay = _asked(request, "from"), _asked(request, "delay")
    query = {key: request.query.getall(key) for key in request.query}
    ticket, tx_secret = access.ticket_of(stream=stream, query=query)
    policy = await gateway.admit_to_window(ticket=ticket, tx_secret=tx_secret)
    now_ms, shift = clock.now_ms(), policy.shift
    if shift is None:
        raise NoWindow("This stream cannot be rewound; it plays at /live/<stream>.m3u8.")
    if shift.is_over(now_ms):
        raise access.StreamNotLive("The show is over.")
    undelayed = not access.kept_behind(policy=policy, ticket=ticket, vid_secret=gateway.settings.vid_secret)
    behind = _delay(shift=shift, asked=delay, undelayed=undelayed)
    from_ms = None if since is None else int(since * 1000)
    items = await gateway.dvr.shelf.items(stream)
    found = rules.shown(
        items, now_ms=now_ms, seconds=shift.seconds, since_ms=shift.since_ms, delay_ms=int(behind * 1000),
        from_ms=from_ms,
    )  # fmt: skip
    if delay is not None and since is None:
        found = rules.tail(found)
    if not found:
        wait_ms = 1000 * max(1, min(int(behind), shift.item_seconds))
        raise NotReady("There is nothing of this stream to go back to yet; try again.", retry_after_ms=wait_ms)
    target = playlist.target_seconds(items, item_seconds=shift.item_seconds)
    count_player(request, policy=policy, ticket=ticket, bitrate_kbps=_bitrate_kbps(found))
    return await _answer(request, gateway, stream=stream, items=found, target=target, from_ms=from_ms)


def _asked(request: web.Request, name: str) -> float | None:
    given = request.query.getall(name, ())
    if not given:
        return None
    text = given[0]
    if len(given) > 1:
        raise BadParameter(f"The address names {name} twice.", field=name)
    whole, _, rest = text.partition(".")
    if not (
        whole.isascii()
        and whole.isdigit()
        and len(whole) <= _MOST_DIGITS
        and (not rest or (rest.isascii() and rest.isdigit()))
    ):
        unit = "Unix seconds, such as 1790000000" if name == "from" else "seconds, such as 30"
        raise BadParameter(f"{name} is {unit}.", field=name, given=text[:40])
    return float(f"{whole}.{rest[:3] or 0}")


def _delay(*, shift: Shift, asked: float | None, undelayed: bool) -> float:
    """How far behind the list ends, in seconds. BadParameter."""
    least = 0 if undelayed else shift.delay_seconds
    if asked is None:
        return least
    if asked < least:
        text = f"Viewers of this stream are kept {least} seconds behind: delay is at least that."
        raise BadParameter(text, field="delay", limit=least, given=asked)
    if asked > shift.seconds:
        text = f"This stream reaches {shift.seconds} seconds back: delay is at most that."
        raise BadParameter(text, field="delay", limit=shift.seconds, given=asked)
    return asked


def _bitrate_kbps(items: Sequence[Item]) -> int:
    last = items[-10:]
    return round(sum(item.size for item in last) * 8 / max(1, sum(item.duration_ms for item in last)))


async def _answer(
    request: web.Request, gateway: Gateway, *, stream: str, items: Sequence[Item], target: int, from_ms: int | None
) -> web.Response:
    plain, packed = await gateway.dvr.lists.made(
        stream=stream,
        items=items,
        target=target,
        from_ms=from_ms,
        secret=gateway.settings.secure_link_secret,
        now_seconds=time.time(),
    )
    headers = {**cors(request), "Cache-Control": "no-store", "Content-Type": "application/vnd.apple.mpegurl"}
    body = plain
    if packed and "gzip" in request.headers.get("Accept-Encoding", "").lower():
        headers |= {"Content-Encoding": "gzip"}
        body = packed
    if packed:
        headers["Vary"] = ", ".join(filter(None, (headers.get("Vary"), "Accept-Encoding")))
    gateway.sent.playlist(stream=stream, size=len(body))
    return web.Response(body=body, headers=headers)
