"""Reads about streams: addresses, what a player may see, what is on air."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from liveroom.accounts.models import Domain
from liveroom.accounts.selectors import domain_of
from liveroom.kernel import signing
from liveroom.kernel.errors import NotFound
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from streams.engines import engine
from streams.models import Publish, PushRefusal, Stream
from streams.rules import url_signing

PLAY_LIFETIME = timedelta(hours=12)
VID_PURPOSE = "vid"


class StreamUnknown(NotFound):
    name = "stream_unknown"


@dataclass(frozen=True, slots=True)
class PlayPolicy:
    """What it takes to see a stream. No `keys`: signing is off. `needs_vid`: the address must name its viewer."""

    stream: str
    room_key: str
    room: str
    sdkappid: int
    keys: tuple[str, ...]
    delta_seconds: int
    needs_vid: bool
    viewer_limit: int | None
    bandwidth_limit_kbps: int | None


def play_policy(*, stream: str) -> PlayPolicy | None:
    """None: there is no such stream, its room is gone, or it is forbidden to play."""
    found = Stream.objects.select_related("room__app").filter(name=stream, room__disbanded_at__isnull=True).first()
    if found is None:
        return None
    room, domain = found.room, domain_of(found.room.app, Domain.PLAY)
    keys = domain.keys() if domain else ()
    if not keys and not room.is_open:
        # Signing may be off for public rooms only: a closed room's address must prove who it was given to.
        keys = (signing.derived_secret("closed-room"),)
    return PlayPolicy(
        stream=stream,
        room_key=room.key,
        room=room.group_id,
        sdkappid=room.app.sdkappid,
        keys=keys,
        delta_seconds=domain.auth_delta_seconds if domain else 0,
        needs_vid=not room.is_open,
        viewer_limit=room.viewer_limit,
        bandwidth_limit_kbps=room.bandwidth_limit_kbps,
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
    return Stream.objects.filter(room=room, on_programme=True).first()


def open_publish(stream: Stream) -> Publish | None:
    return Publish.objects.filter(stream=stream, ended_at__isnull=True).first()


@dataclass(frozen=True, slots=True)
class PlayAddresses:
    stream: str
    rtmp: str
    flv: str
    hls: str
    expires_at: datetime

    def as_dict(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "rtmp": self.rtmp,
            "flv": self.flv,
            "hls": self.hls,
            "expires_at": int(self.expires_at.timestamp() * 1000),
        }


def programme_policy(room: Room) -> PlayPolicy | None:
    """What it takes to see what the room shows; None if it shows nothing."""
    stream = programme(room)
    return None if stream is None else play_policy(stream=stream.name)


def addresses_for(*, policy: PlayPolicy, actor: Actor | None, now: datetime, http: str) -> PlayAddresses:
    """Signed addresses for this viewer. `http`: the origin under which it sees us. No database.

    Rooms that are not open to all name the viewer in the address."""
    until = now + PLAY_LIFETIME
    query = url_signing.query(key=policy.keys[0], stream=policy.stream, until=until) if policy.keys else ""
    if policy.needs_vid and actor is not None:
        vid = url_signing.vid_of(actor.identifier or actor.label or actor.kind)
        secret = signing.derived_secret(VID_PURPOSE)
        tx_time = url_signing.tx_time(until)
        query += (
            f"&vid={vid}&vsig={url_signing.sign_vid(secret=secret, stream=policy.stream, vid=vid, tx_time=tx_time)}"
        )
    mark = f"?{query}" if query else ""
    return PlayAddresses(
        stream=policy.stream,
        rtmp=engine().rtmp_url(stream=policy.stream, query=query),
        flv=f"{http}/live/{policy.stream}.flv{mark}",
        hls=f"{http}/live/{policy.stream}.m3u8{mark}",
        expires_at=until,
    )


def play_addresses(*, room: Room, actor: Actor | None, now: datetime, http: str) -> PlayAddresses | None:
    """Signed addresses of the room's programme for this viewer, or None if the room has no stream."""
    policy = programme_policy(room)
    return None if policy is None else addresses_for(policy=policy, actor=actor, now=now, http=http)


@dataclass(frozen=True, slots=True)
class PushAddress:
    """`server` and `stream_key` go into OBS; `url` is both in one."""

    server: str
    stream_key: str
    url: str
    expires_at: datetime


def push_address(*, stream: Stream, now: datetime) -> PushAddress:
    """The address that is valid now. Its time is kept on the stream, so that it reads the same each time it is shown."""
    domain = domain_of(stream.room.app, Domain.PUSH)
    until = stream.key_until or now
    server = engine().push_server()
    key = stream.name
    if domain is not None and domain.auth_enabled:
        key += "?" + url_signing.query(key=domain.master_key, stream=stream.name, until=until)
    return PushAddress(server=server, stream_key=key, url=f"{server}/{key}", expires_at=until)


def last_refusal(stream: Stream) -> PushRefusal | None:
    return PushRefusal.objects.filter(stream=stream).order_by("-at", "-id").first()
