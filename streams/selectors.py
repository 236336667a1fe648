"""Reads about streams: addresses, what a player may see, what is on air."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from liveroom.accounts.models import Domain
from liveroom.accounts.selectors import domains_of
from liveroom.kernel import instants, permission, signing
from liveroom.kernel.errors import BadParameter, NotFound, NotPermitted
from liveroom.kernel.kept_queries import KeptQuery
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from streams.engines import engine
from streams.models import Publish, Stream
from streams.rules import codecs, url_signing

PLAY_LIFETIME = timedelta(hours=12)
VID_PURPOSE = "vid"
# An address that was made after a reset says so: the parameter, and what its key is derived for.
AFTER, AFTER_PURPOSE = "after", "push-after-reset"
PLAYING_OFF = "Playing is switched off for this app: it has no enabled play domain."


class StreamUnknown(NotFound):
    name = "stream_unknown"


class PushingOff(NotPermitted):
    """The app has no enabled push domain: there is no address to make. 10007."""

    name = "pushing_off"


class PlayingOff(NotPermitted):
    """The app has no enabled play domain. 10007."""

    name = "playing_off"


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """Any of the keys may have signed; `delta_seconds` and `domains` (their pks) have one entry for each. No keys: signing is off."""

    keys: tuple[str, ...] = ()
    delta_seconds: tuple[int, ...] = ()
    domains: tuple[int, ...] = ()


def signing_keys(domains: Sequence[Domain]) -> SigningKeys | None:
    """The keys of all these domains, in their order. None: there is no domain. A domain whose addresses are not signed lets all
    through, and a client may claim to have come by any name: then signing is off."""
    if not domains:
        return None
    if not all(domain.auth_enabled for domain in domains):
        return SigningKeys()
    found = [(key, domain) for domain in domains for key in domain.signing_keys()]
    return SigningKeys(
        keys=tuple(key for key, _ in found),
        delta_seconds=tuple(domain.auth_delta_seconds for _, domain in found),
        domains=tuple(domain.pk for _, domain in found),
    )


@dataclass(frozen=True, slots=True)
class PlayPolicy:
    """What it takes to see a stream. No `keys`: signing is off. `needs_vid`: the address must name its viewer. `closed`: nothing of
    the app may be played. `host`: the play domain's name in addresses, "" for the deployment's own. `unplayable`: the codec of its
    picture, if no browser plays it. `banned`: the vids of those who may not see it (`watch_policy`; elsewhere the room asks)."""

    stream: str
    room_key: str
    room: str
    sdkappid: int
    keys: tuple[str, ...]
    delta_seconds: tuple[int, ...]
    needs_vid: bool
    viewer_limit: int | None
    bandwidth_limit_kbps: int | None
    closed: bool = False
    host: str = ""
    unplayable: str = ""
    banned: frozenset[str] = frozenset()


_BY_NAME = KeptQuery(
    lambda *, name: Stream.objects.select_related("room__app").filter(name=name, room__disbanded_at__isnull=True),
    name=str,
)
# At most one: a constraint of the table.
_PROGRAMME = KeptQuery(lambda *, room_id: Stream.objects.filter(room_id=room_id, on_programme=True), room_id=int)


def play_policy(*, stream: str) -> PlayPolicy | None:
    """None: there is no such stream, its room is gone, or it is forbidden to play."""
    found = _BY_NAME.first(name=stream)
    return None if found is None else _policy(stream=found, room=found.room)


def _policy(*, stream: Stream, room: Room, domains: Sequence[Domain] | None = None) -> PlayPolicy:
    domains = domains_of(room.app, Domain.PLAY) if domains is None else domains
    signed = signing_keys(domains)
    keys, deltas = (signed.keys, signed.delta_seconds) if signed else ((), ())
    if not keys and not room.is_open:
        # Signing may be off for public rooms only: a closed room's address must prove who it was given to.
        keys, deltas = (signing.derived_secret("closed-room"),), (0,)
    return PlayPolicy(
        stream=stream.name,
        room_key=room.key,
        room=room.group_id,
        sdkappid=room.app.sdkappid,
        keys=keys,
        delta_seconds=deltas,
        needs_vid=not room.is_open,
        viewer_limit=room.viewer_limit,
        bandwidth_limit_kbps=room.bandwidth_limit_kbps,
        closed=signed is None,
        host=host_of(domains[0]) if domains else "",
        unplayable=stream.unplayable,
    )


def watch_policy(*, stream: str) -> PlayPolicy | None:
    """The policy for whoever keeps watching over open connections: with everybody who is banned from the room or its app."""
    found = _BY_NAME.first(name=stream)
    if found is None:
        return None
    banned = permission.excluded_from(found.room)
    return replace(
        _policy(stream=found, room=found.room), banned=frozenset(url_signing.vid_of(name) for name in banned)
    )


def host_of(domain: Domain) -> str:
    """The name that stands in addresses made for a domain, "" where it is the deployment's own (LIVEROOM_HOST)."""
    return "" if domain.name in (settings.LIVEROOM.host, "localhost", "127.0.0.1", "::1") else domain.name


def policy_of_domain(policy: PlayPolicy, domain: Domain) -> PlayPolicy:
    """The policy with a domain's own name and master key first: what addresses are made with."""
    first = domain.signing_keys()[:1] if policy.keys else ()
    return replace(
        policy,
        host=host_of(domain),
        keys=first + policy.keys,
        delta_seconds=(domain.auth_delta_seconds,) * len(first) + policy.delta_seconds,
    )


def stream_of(*, name: str) -> Stream:
    found = (
        Stream.objects.select_related("room__app", "room__owner")
        .filter(name=name, room__disbanded_at__isnull=True)
        .first()
    )
    if found is None:
        raise StreamUnknown(f"There is no stream {name[:64]!r}.")
    return found


def programme(room: Room) -> Stream | None:
    found = _PROGRAMME.first(room_id=room.pk)
    if found is not None:
        found.room = room
    return found


def open_publish(stream: Stream) -> Publish | None:
    return Publish.objects.filter(stream=stream, ended_at__isnull=True).first()


@dataclass(frozen=True, slots=True)
class PlayAddresses:
    stream: str
    rtmp: str
    flv: str
    hls: str
    expires_at: datetime
    unplayable: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "rtmp": self.rtmp,
            "flv": self.flv,
            "hls": self.hls,
            "expires_at": instants.shown(self.expires_at),
            "unplayable": unplayable_told(self.unplayable),
        }


def unplayable_told(codec: str) -> dict[str, str] | None:
    """Why viewers cannot play a picture, as they are told; None: they can."""
    return {"codec": codec, "message": codecs.viewer_text(codec)} if codec else None


def programme_policy(room: Room) -> PlayPolicy | None:
    """What it takes to see what the room shows; None if it shows nothing."""
    stream = programme(room)
    return None if stream is None else _policy(stream=stream, room=room)


def programme_policies(rooms: Sequence[Room]) -> dict[int, PlayPolicy | None]:
    """The same by room, for many: a query, and one per app."""
    shown = {stream.room_id: stream for stream in Stream.objects.filter(room__in=rooms, on_programme=True)}
    domains: dict[int, Sequence[Domain]] = {}
    found: dict[int, PlayPolicy | None] = {}
    for room in rooms:
        stream = shown.get(room.pk)
        if stream is not None and room.app_id not in domains:
            domains[room.app_id] = domains_of(room.app, Domain.PLAY)
        found[room.pk] = None if stream is None else _policy(stream=stream, room=room, domains=domains[room.app_id])
    return found


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
    if viewer or (actor is not None and (policy.needs_vid or actor.person_id is not None)):
        vid = url_signing.vid_of(viewer or _called(actor))
        secret = signing.derived_secret(VID_PURPOSE)
        tx_time = url_signing.tx_time(until)
        query = query or f"txTime={tx_time}"
        query += (
            f"&vid={vid}&vsig={url_signing.sign_vid(secret=secret, stream=policy.stream, vid=vid, tx_time=tx_time)}"
        )
    mark = f"?{query}" if query else ""
    origin = origin_with(http, host=policy.host)
    return PlayAddresses(
        stream=policy.stream,
        rtmp=engine().rtmp_url(stream=policy.stream, query=query, host=policy.host),
        flv=f"{origin}/live/{policy.stream}.flv{mark}",
        hls=f"{origin}/live/{policy.stream}.m3u8{mark}",
        expires_at=until,
        unplayable=policy.unplayable,
    )


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
    """`server` and `stream_key` go into OBS; `url` is both in one."""

    server: str
    stream_key: str
    url: str
    expires_at: datetime


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
    return PushAddress(server=server, stream_key=key, url=f"{server}/{key}", expires_at=until)


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
