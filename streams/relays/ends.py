"""From where to where a relay may lead: what was typed, read and judged.

A stream of this server as the source is pulled from the engine itself, for whoever looks after both; one as the target is refused, with
the way to say it. Nothing is brought back to where it came from, also not by way of an outside server that two relays name alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liveroom.kernel import permission
from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.permission import Actor
from streams.egress.checks import checked, let_in
from streams.egress.rules import Address, AddressRefused, Use, address, shown
from streams.flows import circle, shown_way
from streams.models.streams import Stream
from streams.relays import rules, selectors
from streams.relays.listed_files import checked_files
from streams.relays.models import OVER, Relay
from streams.relays.rules import FILE, PULL, PUSH


class RelayTwice(Conflict):
    """10056: the stream goes there already."""

    name = "relay_twice"


class LeadsBack(BadParameter):
    """10004: the picture would come back to where it came from."""

    name = "relay_loop"


class SourceForbidden(BadParameter):
    """10004: what was given may not be read or written to."""

    name = "address_refused"


@dataclass(frozen=True, slots=True)
class Ends:
    """Where a picture comes from and goes to: as `Relay` keeps it."""

    source: str = ""
    own_source: Stream | None = None
    target: str = ""
    files: Sequence[str] = ()


_TAKES = {PULL: "source", PUSH: "target", FILE: "files"}


def ends_of(
    *,
    stream: Stream,
    kind: str,
    by: Actor,
    source: str | None,
    target: str | None,
    files: Sequence[str] | None,
    without: Relay | None,
) -> Ends:
    given = {"source": source, "target": target, "files": files}
    needed = _TAKES[kind]
    for name, value in given.items():
        if name != needed and value:
            raise BadParameter(f"A relay of the kind {kind} takes {needed}, and no {name}.", field=name)
    if not given[needed]:
        raise BadParameter(f"{needed} is missing: a relay of the kind {kind} needs it.", field=needed)
    if kind == FILE:
        return Ends(files=checked_files(files or (), stream=stream, by=by))
    if kind == PULL:
        return _pulled(stream=stream, by=by, source=source or "", without=without)
    return _pushed(stream=stream, target=target or "", without=without)


def _pulled(*, stream: Stream, by: Actor, source: str, without: Relay | None) -> Ends:
    place, own = _read(source, use=Use.PULL, field="source")
    if own is not None:
        # Whoever may look after the other stream as well: an address alone opens nothing from in here.
        permission.ask("media.manage", actor=by, room=own.room)
    node = selectors.node_of(place) if own is None else own.name
    _refuse_circle(source=node, target=stream.name, field="source", without=without)
    return Ends(source=source, own_source=own)


def _pushed(*, stream: Stream, target: str, without: Relay | None) -> Ends:
    place, own = _read(target, use=Use.PUSH, field="target")
    if own is not None:
        raise LeadsBack(
            "target is a stream of this server: make a relay of the kind pull into that stream, with this one as its source.",
            field="target",
        )
    _refuse_circle(source=stream.name, target=selectors.node_of(place), field="target", without=without)
    twice = Relay.objects.filter(stream=stream, kind=PUSH, target=target).exclude(state__in=OVER)
    if without is not None:
        twice = twice.exclude(pk=without.pk)
    if twice.exists():
        raise RelayTwice(f"This stream goes to {shown(target)} already.")
    return Ends(target=target)


def _read(text: str, *, use: Use, field: str) -> tuple[Address, Stream | None]:
    """What was typed, and the stream of this server that it leads to, if it leads here: that needs no way out."""
    if rules.HIDDEN in text:
        raise BadParameter(f"{field} is shown without its key; send the whole address, or leave it out.", field=field)
    try:
        place = address(text, use=use, allow=let_in())
    except AddressRefused:
        place = checked(text, use=use, field=field)  # refuses it in words
    own = _own(place, field=field)
    return (place, own) if own is not None else (checked(text, use=use, field=field), None)


def _own(place: Address, *, field: str) -> Stream | None:
    """The stream of this server that an address leads to; None: it leads elsewhere. BadParameter: it leads here and to no stream."""
    hosts, ports = selectors.own_places()
    name = rules.own_stream(place, hosts=hosts, ports=ports)
    if name is None:
        return None
    found = Stream.objects.select_related("room__app", "room__owner").filter(name=name, room__disbanded_at__isnull=True)
    stream = found.first() if name else None
    if stream is None:
        raise SourceForbidden(f"{field} is an address of this server and leads to no stream of it.", field=field)
    return stream


def _refuse_circle(*, source: str, target: str, field: str, without: Relay | None) -> None:
    way = circle(sources=[source], target=target, without="" if without is None else without.reference)
    if not way:
        return
    if len(way) == 2:
        raise LeadsBack(f"{field} is the stream itself: it would be relayed in a circle.", field=field)
    raise LeadsBack(f"{field} would close a circle of relays and mixes: {shown_way(way)}.", field=field)
