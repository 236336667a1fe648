"""Reads about streams: addresses, what a player may see, what is on air."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from liveroom.accounts.models import Domain
from liveroom.accounts.selectors import domains_of
from liveroom.kernel import permission
from liveroom.kernel.data.kept_queries import KeptQuery
from liveroom.kernel.errors import NotFound
from liveroom.kernel.values import signing
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import moderators_of
from streams.models import Publish, Stream
from streams.models.streams import MARK
from streams.rules import url_signing
from streams.timeshift.rules import Shift
from streams.timeshift.selectors import shift_of


class StreamUnknown(NotFound):
    name = "stream_unknown"


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
    picture, if no browser plays it. `rungs`: of its ladder, if viewers can get
    one now. `banned`: the vids of those who may not see it (`watch_policy`; elsewhere the room asks). `shift`: how far back viewers may
    go and how far behind they are kept; `undelayed`: the vids of those who are not kept behind."""

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
    rungs: tuple[str, ...] = ()
    banned: frozenset[str] = frozenset()
    shift: Shift | None = None
    undelayed: frozenset[str] = frozenset()

    def keeps_behind(self, vid: str) -> bool:
        """Whether the viewer of that (proven) vid, or nobody in particular, sees the picture some seconds later."""
        return self.shift is not None and self.shift.delay_seconds > 0 and vid not in self.undelayed


_BY_NAME = KeptQuery(
    lambda *, name: Stream.objects.select_related("room__app", "room__owner", "timeshift").filter(
        name=name, room__disbanded_at__isnull=True
    ),
    name=str,
)
# At most one: a constraint of the table.
_OWN = KeptQuery(lambda *, room_id: Stream.objects.filter(room_id=room_id, steps_back=True), room_id=int)
_PROGRAMME = KeptQuery(
    lambda *, room_id: Stream.objects.select_related("timeshift").filter(room_id=room_id, on_programme=True),
    room_id=int,
)


def play_policy(*, stream: str) -> PlayPolicy | None:
    """None: there is no such stream, its room is gone, or viewers get its marked copy only."""
    found = _BY_NAME.first(name=stream)
    return None if found is None or found.kept_back else _policy(stream=found, room=found.room)


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
        rungs=stream.rungs,
        shift=(shift := _shift(stream)),
        undelayed=_undelayed(room) if shift is not None and shift.delay_seconds else frozenset(),
    )


def _shift(stream: Stream) -> Shift | None:
    row = getattr(stream, "timeshift", None)
    return None if row is None else shift_of(row)


def _undelayed(room: Room) -> frozenset[str]:
    return frozenset(url_signing.vid_of(name) for name in moderators_of(room))


def watch_policy(*, stream: str) -> PlayPolicy | None:
    """The policy for whoever keeps watching over open connections: with everybody who is banned from the room or its app."""
    found = _BY_NAME.first(name=stream)
    if found is None or found.kept_back:
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


def shown_stream(room: Room) -> Stream | None:
    """What the room shows, without its marks: where viewers see a marked copy, the stream that it is a copy of."""
    found = programme(room)
    if found is not None and found.made_by == MARK and found.stands_in_for_id is not None:
        found = Stream.objects.filter(pk=found.stands_in_for_id).first()
        if found is not None:
            found.room = room
    return found


def own_stream(room: Room) -> Stream | None:
    """What the room's streamer pushes to: the programme, or what steps back while a made stream is shown in its place."""
    found = programme(room)
    if found is None or found.made_by:
        found = _OWN.first(room_id=room.pk)
        if found is not None:
            found.room = room
    return found


def shown_as(stream: Stream) -> Stream:
    """What viewers are to play in its place: its marked copy, where they get that only."""
    copy = stream.stand_ins.filter(wants_programme=True).first() if stream.kept_back else None
    return copy or stream


def is_shown(stream: Stream) -> bool:
    """Whether viewers of the room see it, perhaps as its marked copy."""
    return stream.on_programme or stream.stand_ins.filter(on_programme=True).exists()


def open_publish(stream: Stream) -> Publish | None:
    return Publish.objects.filter(stream=stream, ended_at__isnull=True).first()


def programme_policy(room: Room) -> PlayPolicy | None:
    """What it takes to see what the room shows; None if it shows nothing."""
    stream = programme(room)
    return None if stream is None or stream.kept_back else _policy(stream=stream, room=room)


def programme_policies(rooms: Sequence[Room]) -> dict[int, PlayPolicy | None]:
    """The same by room, for many: a query, and one per app."""
    programmes = Stream.objects.select_related("timeshift").filter(room__in=rooms, on_programme=True)
    shown = {stream.room_id: stream for stream in programmes}
    domains: dict[int, Sequence[Domain]] = {}
    found: dict[int, PlayPolicy | None] = {}
    for room in rooms:
        stream = shown.get(room.pk)
        if stream is not None and room.app_id not in domains:
            domains[room.app_id] = domains_of(room.app, Domain.PLAY)
        found[room.pk] = (
            None
            if stream is None or stream.kept_back
            else _policy(stream=stream, room=room, domains=domains[room.app_id])
        )
    return found
