"""Reads about relays: lists, one as it is shown, and what flows where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.db.models import QuerySet

from liveroom.accounts.models import App, Domain
from liveroom.kernel.errors import NotFound
from liveroom.kernel.values import instants
from streams.egress.checks import let_in
from streams.egress.rules import Address, AddressRefused, Use, address
from streams.flows import Flow, brings
from streams.jobs.models import OPEN_STATES, MediaJob, State
from streams.numbered import numbered
from streams.relays.models import OVER, Relay
from streams.relays.rules import FILE, PULL, PUSH

CONNECTING = "Connecting."


class RelayUnknown(NotFound):
    name = "relay_unknown"


def relays() -> QuerySet[Relay]:
    return Relay.objects.select_related("room__app", "room__owner", "stream", "own_source")


def relay_of(*, app: App | None, number: str) -> Relay:
    """RelayUnknown, also for another app's. `app` None: any (staff)."""
    rows = relays().filter(room__disbanded_at__isnull=True)
    relay = numbered(rows, app_id=None if app is None else app.pk, number=number)
    if relay is None:
        raise RelayUnknown(f"There is no relay {number[:24]!r}.")
    return relay


def jobs_of(relays: Iterable[Relay]) -> dict[str, MediaJob]:
    """The open job of each, by the relay's reference."""
    wanted = [relay.reference for relay in relays]
    rows = MediaJob.objects.filter(kind__startswith="relay_", reference__in=wanted, state__in=OPEN_STATES)
    return {job.reference: job for job in rows}


def shown_relay(relay: Relay, job: MediaJob | None) -> dict[str, Any]:
    """As REST and the console show it: addresses without their keys."""
    state, reason = _state(relay, job)
    return {
        "id": relay.number,
        "kind": relay.kind,
        "label": relay.label,
        "room": relay.room.group_id,
        "stream": relay.stream.name,
        "source": relay.shown_source,
        "target": relay.shown_target,
        "files": relay.files,
        "loop": relay.loop,
        "starts_at": None if relay.starts_at is None else instants.shown(relay.starts_at),
        "enabled": relay.enabled,
        "state": state,
        "reason": reason,
        "since": None if relay.since is None else instants.shown(relay.since),
        "next_try_at": None if job is None or job.retry_at is None else instants.shown(job.retry_at),
        "restarts": 0 if job is None else job.restarts,
        "progress": _progress(relay, job),
        "by": relay.by,
        "created_at": instants.shown(relay.created_at),
    }


def _state(relay: Relay, job: MediaJob | None) -> tuple[str, str]:
    """The row knows what was seen last, the job what is going on around it."""
    if job is None or relay.state in OVER:
        return relay.state, relay.reason
    if job.state == State.WAITING:
        return State.WAITING, job.reason or relay.reason
    if job.state == State.RUNNING and relay.state != State.RUNNING:
        return State.WAITING, relay.reason or CONNECTING
    return job.state, job.reason


def _progress(relay: Relay, job: MediaJob | None) -> dict[str, Any]:
    """Of the present connection; of files also which one is played (`playing`: file from 0, its id, seconds, duration, rounds, next)."""
    found = dict(job.progress) if job is not None else {}
    return found if relay.kind != FILE or not relay.place else {**found, "playing": relay.place}


def own_places() -> tuple[frozenset[str], frozenset[int]]:
    """Under which names and ports this deployment plays and takes pictures."""
    room = settings.LIVEROOM
    public = urlsplit(room.public_http)
    names = {"localhost", "127.0.0.1", "::1", room.host, room.bind, public.hostname or ""}
    names |= set(Domain.objects.values_list("name", flat=True))
    port = public.port or (443 if public.scheme == "https" else 80)
    return frozenset(name.lower() for name in names if name), frozenset({room.rtmp_port, room.http_port, port})


def node_of(place: Address) -> str:
    """An outside place in the net of relays: the same for whoever pushes there and pulls from there."""
    asked = dict(parse_qsl(place.query)).get("streamid", "") if place.scheme == "srt" else ""
    return f"{place.host}:{place.port}{place.path}{asked}"


@brings
def brought_by_relays() -> Iterator[Flow]:
    """What the relays that are not over bring where: names of streams, and outside places."""
    rows = Relay.objects.exclude(state__in=OVER).filter(enabled=True, kind__in=(PULL, PUSH))
    for pk, kind, stream, own, source, target in rows.values_list(
        "pk", "kind", "stream__name", "own_source__name", "source", "target"
    ):
        whence, whither = (
            (own or _node(source, Use.PULL), stream) if kind == PULL else (stream, _node(target, Use.PUSH))
        )
        # What the settings no longer let in leads nowhere.
        if whence and whither:
            yield Flow(whence, whither, by=f"relay:{pk}")


def _node(text: str, use: Use) -> str:
    try:
        return node_of(address(text, use=use, allow=let_in()))
    except AddressRefused:
        return ""
