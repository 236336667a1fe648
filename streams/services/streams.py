"""The places to push to: made with the room, named, reset, forbidden, put on the programme."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from liveroom.accounts.models import Domain
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids
from liveroom.rooms.models import Room
from liveroom.rooms.services.locking import locked
from streams import addresses, selectors
from streams.models import Stream
from streams.models.streams import MARK
from streams.rules import names, url_signing
from streams.services import cutting, programmes

KEY_LIFETIME = timedelta(days=365)
KEY_RENEWED_BEFORE = timedelta(days=7)
MAX_STREAMS_PER_ROOM = 16
LONGEST_ADDRESS = timedelta(days=3660)
FORBID_DEFAULT, FORBID_LONGEST = timedelta(days=7), timedelta(days=90)


class StreamNameTaken(Conflict):
    name = "stream_name_taken"


@transaction.atomic
def create_stream(
    *,
    room: Room,
    label: str,
    now: datetime,
    name: str | None = None,
    on_programme: bool = False,
    made_by: str = "",
    stands_in_for: Stream | None = None,
) -> Stream:
    """A place to push to, or to be published by a job of ours (`made_by`). A chosen name is unique in the deployment: it is all that
    an RTMP client says."""
    room = locked(room.pk)
    if name is not None and not names.valid(name):
        raise BadParameter("A stream name is 1 to 64 of A-Z a-z 0-9 _ -.", field="name", limit=64)
    if Stream.objects.filter(room=room, made_by=made_by).count() >= MAX_STREAMS_PER_ROOM:
        raise BadParameter(
            f"A room has at most {MAX_STREAMS_PER_ROOM} streams.", field="name", limit=MAX_STREAMS_PER_ROOM
        )
    try:
        with transaction.atomic():
            return Stream.objects.create(
                room=room,
                name=name or ids.stream_name(),
                label=label,
                on_programme=on_programme,
                made_by=made_by,
                stands_in_for=stands_in_for,
                key_until=now + KEY_LIFETIME,
            )
    except IntegrityError:
        raise StreamNameTaken(f"The stream name {name!r} is taken; choose another.") from None


@transaction.atomic
def add_stream(*, room: Room, label: str, by: Actor, now: datetime, name: str | None = None) -> Stream:
    """Another stream of a room (a screen, a second camera). Only servers and staff choose names (S1)."""
    permission.ask("stream.manage", actor=by, room=room)
    if name is not None:
        permission.ask("stream.name", actor=by, room=room)
    stream = create_stream(room=room, label=label, name=name, now=now)
    audit.record(action="stream.add", actor=by, now=now, room_key=room.key, target=stream.name)
    return stream


@transaction.atomic
def set_programme(*, stream: Stream, by: Actor, now: datetime) -> Stream:
    """Show this stream to the room's viewers; the room's status follows it from here on (R10). A mix is shown while it runs."""
    room = locked(stream.room_id)
    permission.ask("stream.manage", actor=by, room=room)
    stream.refresh_from_db()
    if stream.made_by == MARK:
        raise BadParameter(
            "That is a marked copy; it is shown by itself. Name the stream that it is a copy of.", field="stream"
        )
    if stream.on_programme:
        return stream
    programmes.choose(stream=stream, now=now)
    audit.record(action="stream.programme", actor=by, now=now, room_key=room.key, target=stream.name)
    stream.refresh_from_db()
    return stream


@transaction.atomic
def show_push_address(*, stream: Stream, by: Actor, now: datetime) -> addresses.PushAddress:
    """The stream key of the owner. Extended when it is about to run out, so that nobody finds it expired on the evening."""
    permission.ask("stream.push", actor=by, room=stream.room)
    _refuse_made(stream)
    if stream.key_until is None or stream.key_until < now + KEY_RENEWED_BEFORE:
        stream.key_until = now + KEY_LIFETIME
        stream.save(update_fields=["key_until"])
    return addresses.push_address(stream=stream, now=now)


@transaction.atomic
def make_push_address(
    *, stream: Stream, by: Actor, now: datetime, until: datetime, domain: str | None = None
) -> addresses.PushAddress:
    """An address that is good until then, beside the shown key (S1). A reset ends it too."""
    permission.ask("stream.address", actor=by, room=stream.room)
    _refuse_made(stream)
    _check_expiry(until, now)
    stream = Stream.objects.select_for_update(of=("self",)).select_related("room__app").get(pk=stream.pk)
    stream.key_latest = max(stream.key_latest, int(until.timestamp()))
    stream.save(update_fields=["key_latest"])
    chosen = None if domain is None else addresses.domain_named(stream=stream, kind=Domain.PUSH, name=domain)
    return addresses.push_address(stream=stream, now=now, until=until, domain=chosen)


def make_play_addresses(
    *, stream: Stream, by: Actor, now: datetime, until: datetime, http: str, domain: str | None = None, viewer: str = ""
) -> addresses.PlayAddresses:
    """Addresses of any stream for a viewer of the server's own choice, good until then (S1, S2). PlayingOff, BadParameter."""
    permission.ask("stream.address", actor=by, room=stream.room)
    _check_expiry(until, now)
    policy = selectors.play_policy(stream=selectors.shown_as(stream).name)
    if policy is None or policy.closed:
        raise addresses.PlayingOff(addresses.PLAYING_OFF)
    if len(url_signing.vid_of(viewer)) > url_signing.MAX_VID_BYTES:
        raise BadParameter("viewer is a user id of at most 32 bytes.", field="viewer", limit=32)
    if domain is not None:
        policy = selectors.policy_of_domain(
            policy, addresses.domain_named(stream=stream, kind=Domain.PLAY, name=domain)
        )
    return addresses.addresses_for(policy=policy, actor=by, now=now, http=http, until=until, viewer=viewer)


class MadeHere(Conflict):
    """10004: nobody pushes to a stream that this server makes."""

    name = "made_here"


def _refuse_made(stream: Stream) -> None:
    if stream.made_by:
        raise MadeHere(f"The picture of {stream.name!r} is made by this server; push to the room's own stream.")


def _check_expiry(until: datetime, now: datetime) -> None:
    if not now < until <= now + LONGEST_ADDRESS:
        raise BadParameter(
            f"expires_at must lie in the future, at most {LONGEST_ADDRESS.days} days ahead.", field="expires_at"
        )


@transaction.atomic
def reset_push_key(*, stream: Stream, by: Actor, now: datetime, address: str = "") -> addresses.PushAddress:
    """The old key is worthless at once, and whoever uses it now is cut (S1)."""
    room = locked(stream.room_id)
    permission.ask("stream.push", actor=by, room=room)
    stream = Stream.objects.select_related("room__app").get(pk=stream.pk)
    old = stream.key_until or now
    stream.key_floor = max(stream.key_floor, int(old.timestamp()), stream.key_latest)
    stream.key_until = max(now + KEY_LIFETIME, datetime.fromtimestamp(stream.key_floor + 1, tz=now.tzinfo))
    stream.save(update_fields=["key_floor", "key_until"])
    audit.record(action="stream.key_reset", actor=by, now=now, room_key=room.key, target=stream.name, address=address)
    transaction.on_commit(lambda: cutting.cut(stream=stream.name))
    return addresses.push_address(stream=stream, now=now)


@transaction.atomic
def forbid_stream(
    *, stream: Stream, by: Actor, now: datetime, reason: str, until: datetime | None = None, address: str = ""
) -> Stream:
    """Refuse pushes until then (7 days unless said, 90 at most: contracts/css.md) and cut the publisher now (M8)."""
    room = locked(stream.room_id)
    permission.ask("stream.forbid", actor=by, room=room)
    until = until or now + FORBID_DEFAULT
    if not now < until <= now + FORBID_LONGEST:
        raise BadParameter("until must lie in the future and at most 90 days ahead.", field="until")
    stream.forbidden_until = until
    stream.forbidden_reason = reason
    stream.save(update_fields=["forbidden_until", "forbidden_reason"])
    audit.record(
        action="stream.forbid", actor=by, now=now, room_key=room.key, target=stream.name, reason=reason, address=address
    )
    transaction.on_commit(lambda: cutting.cut(stream=stream.name))
    return stream


@transaction.atomic
def allow_stream(*, stream: Stream, by: Actor, now: datetime, address: str = "") -> Stream:
    """Lift a forbiddance."""
    room = locked(stream.room_id)
    permission.ask("stream.forbid", actor=by, room=room)
    if stream.forbidden_until is None:
        return stream
    stream.forbidden_until, stream.forbidden_reason = None, ""
    stream.save(update_fields=["forbidden_until", "forbidden_reason"])
    audit.record(action="stream.allow", actor=by, now=now, room_key=room.key, target=stream.name, address=address)
    return stream


def cut_stream(*, stream: Stream, by: Actor, now: datetime, address: str = "") -> bool:
    """End the publisher's connection now; it may come back at once."""
    permission.ask("stream.forbid", actor=by, room=stream.room)
    audit.record(action="stream.cut", actor=by, now=now, room_key=stream.room.key, target=stream.name, address=address)
    return cutting.cut(stream=stream.name)


def expired_ago(tx_time: str | None, *, now: datetime) -> str:
    """ "3 minutes", for the streamer who wonders."""
    until = url_signing.expiry(tx_time or "")
    seconds = int(now.timestamp()) - (until or 0)
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} seconds" if seconds > 1 else "1 second"
