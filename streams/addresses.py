"""Signed addresses of streams: where to play one and for whom, where to push one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from liveroom.accounts.models import Domain
from liveroom.accounts.selectors import domains_of
from liveroom.kernel.errors import BadParameter, NotPermitted
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import instants, signing
from liveroom.rooms.models import Room
from streams.engines import engine
from streams.models import Stream
from streams.rules import codecs, url_signing
from streams.selectors import PlayPolicy, host_of, programme_policy
from streams.srt.keys import srt_url

PLAY_LIFETIME = timedelta(hours=12)
VID_PURPOSE = "vid"
# An address that was made after a reset says so: the parameter, and what its key is derived for.
AFTER, AFTER_PURPOSE = "after", "push-after-reset"
PLAYING_OFF = "Playing is switched off for this app: it has no enabled play domain."


class PushingOff(NotPermitted):
    """The app has no enabled push domain: there is no address to make. 10007."""

    name = "pushing_off"


class PlayingOff(NotPermitted):
    """The app has no enabled play domain. 10007."""

    name = "playing_off"


@dataclass(frozen=True, slots=True)
class TimeShiftAddress:
    """The window over a running stream. `url`: its playlist; `delay`: how far behind this viewer is kept, in seconds."""

    url: str
    from_at: datetime
    seconds: int
    delay: int

    def as_dict(self) -> dict[str, Any]:
        from_ = instants.shown(self.from_at)
        return {"url": self.url, "from": from_, "seconds": self.seconds, "delay": self.delay}


@dataclass(frozen=True, slots=True)
class PlayAddresses:
    """Who is kept behind gets none but `hls`, which is behind, and `timeshift`."""

    stream: str
    rtmp: str
    flv: str
    hls: str
    ll_hls: str
    expires_at: datetime
    unplayable: str = ""
    ladder: str | None = None
    timeshift: TimeShiftAddress | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "rtmp": self.rtmp,
            "flv": self.flv,
            "hls": self.hls,
            "ll_hls": self.ll_hls,
            "ladder": self.ladder,
            "timeshift": None if self.timeshift is None else self.timeshift.as_dict(),
            "expires_at": instants.shown(self.expires_at),
            "unplayable": unplayable_told(self.unplayable),
        }


def unplayable_told(codec: str) -> dict[str, str] | None:
    """Why viewers cannot play a picture, as they are told; None: they can."""
    return {"codec": codec, "message": codecs.viewer_text(codec)} if codec else None


def addresses_for(
    *,
    policy: PlayPolicy,
    actor: Actor | None,
    now: datetime,
    http: str,
    until: datetime | None = None,
    viewer: str = "",
) -> PlayAddresses:
    """Signed addresses for this viewer. `http`: the origin under which it sees us. No database.

    The address names its viewer where it is known (the actor, or the `viewer` for whom a server makes it): a ban ends the picture. In
    rooms that are not open to all it has to."""
    until = until or now + PLAY_LIFETIME
    query = url_signing.query(key=policy.keys[0], stream=policy.stream, until=until) if policy.keys else ""
    delay = 0 if policy.shift is None else policy.shift.delay_seconds
    if viewer or (actor is not None and (policy.needs_vid or actor.person_id is not None)):
        vid = url_signing.vid_of(viewer or _called(actor))
        delay = 0 if vid in policy.undelayed else delay
        secret = signing.derived_secret(VID_PURPOSE)
        tx_time = url_signing.tx_time(until)
        query = query or f"txTime={tx_time}"
        query += (
            f"&vid={vid}&vsig={url_signing.sign_vid(secret=secret, stream=policy.stream, vid=vid, tx_time=tx_time)}"
        )
    mark = f"?{query}" if query else ""
    origin = origin_with(http, host=policy.host)
    shift = _shift_address(policy, f"{origin}/live/{policy.stream}/dvr/index.m3u8{mark}", delay=delay, now=now)
    if shift is not None and delay:
        return PlayAddresses(
            stream=policy.stream, rtmp="", flv="", ll_hls="", hls=f"{shift.url}{'&' if query else '?'}delay={delay}",
            expires_at=until, unplayable=policy.unplayable, timeshift=shift,
        )  # fmt: skip
    return PlayAddresses(
        stream=policy.stream,
        rtmp=engine().rtmp_url(stream=policy.stream, query=query, host=policy.host),
        flv=f"{origin}/live/{policy.stream}.flv{mark}",
        hls=f"{origin}/live/{policy.stream}.m3u8{mark}",
        ll_hls=f"{origin}/live/{policy.stream}/ll/index.m3u8{mark}",
        expires_at=until,
        unplayable=policy.unplayable,
        ladder=f"{origin}/live/{policy.stream}/master.m3u8{mark}" if policy.rungs else None,
        timeshift=shift,
    )


def _shift_address(policy: PlayPolicy, url: str, *, delay: int, now: datetime) -> TimeShiftAddress | None:
    shift = policy.shift
    now_ms = int(now.timestamp() * 1000)
    if shift is None or shift.is_over(now_ms):
        return None
    from_at = datetime.fromtimestamp(shift.from_ms(now_ms) / 1000, UTC)
    return TimeShiftAddress(url=url, from_at=from_at, seconds=shift.seconds, delay=delay)


def _called(actor: Actor | None) -> str:
    return "" if actor is None else actor.identifier or actor.label or actor.kind


def origin_with(origin: str, *, host: str) -> str:
    """The same origin under another name; its scheme and port stay. Without a name: the origin itself."""
    if not host:
        return origin
    parts = urlsplit(origin)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def play_addresses(*, room: Room, actor: Actor | None, now: datetime, http: str) -> PlayAddresses | None:
    """Signed addresses of the room's programme for this viewer, or None if the room has no stream. PlayingOff."""
    policy = programme_policy(room)
    if policy is not None and policy.closed:
        raise PlayingOff(PLAYING_OFF)
    return None if policy is None else addresses_for(policy=policy, actor=actor, now=now, http=http)


@dataclass(frozen=True, slots=True)
class PushAddress:
    """`server` and `stream_key` go into OBS; `url` is both in one; `srt`: the same by SRT, "" where that is off."""

    server: str
    stream_key: str
    url: str
    expires_at: datetime
    srt: str = ""


def push_address(
    *, stream: Stream, now: datetime, until: datetime | None = None, domain: Domain | None = None
) -> PushAddress:
    """The address that is valid now. Its time is kept on the stream, so that it reads the same each time it is shown; an address
    until a chosen time stands beside it. `domain`: other than the app's first. PushingOff."""
    domains = domains_of(stream.room.app, Domain.PUSH)
    if not domains:
        raise PushingOff("Pushing is switched off: the app has no enabled push domain.")
    domain = domain or domains[0]
    until = until or stream.key_until or now
    server = engine().push_server(host=host_of(domain))
    key = stream.name
    if domain.auth_enabled:
        key += "?" + url_signing.query(key=domain.master_key, stream=stream.name, until=until)
        if stream.key_floor and int(until.timestamp()) <= stream.key_floor:
            key += "&" + _after_reset(stream, until)
    return PushAddress(
        server=server, stream_key=key, url=f"{server}/{key}", expires_at=until,
        srt=srt_url(stream=stream, stream_key=key, host=host_of(domain)),
    )  # fmt: skip


def _after_reset(stream: Stream, until: datetime) -> str:
    signature = url_signing.sign_after(
        secret=signing.derived_secret(AFTER_PURPOSE), stream=stream.name, tx_time=url_signing.tx_time(until),
        floor=stream.key_floor,
    )  # fmt: skip
    return f"{AFTER}={signature}"


def domain_named(*, stream: Stream, kind: str, name: str) -> Domain:
    """The enabled domain of that name of the stream's app. BadParameter lists them."""
    domains = domains_of(stream.room.app, kind)
    found = next((domain for domain in domains if domain.name == name), None)
    if found is None:
        have = ", ".join(domain.name for domain in domains) or "none"
        raise BadParameter(f"{name[:80]!r} is no enabled {kind} domain of this app; it has: {have}.", field="domain")
    return found
