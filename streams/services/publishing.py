"""Who may push: the engine's questions, answered. Every refusal is recorded in words for the streamer.

The engine's own list stays the truth: what is missed or mistaken here is repaired by `reconcile` within two seconds."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from liveroom.accounts.models import App, Domain
from liveroom.accounts.selectors import domains_of
from liveroom.kernel import facts, permission
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import signing
from liveroom.kernel.work.metrics import publish_decisions
from liveroom.rooms.models import LiveSession
from liveroom.rooms.services.locking import locked
from liveroom.rooms.services.status import publisher_came, publisher_lost
from streams import addresses, selectors
from streams.engines import engine
from streams.engines.base import BadHook, EngineUnreachable, Hook
from streams.facts import StreamPublished, StreamUnpublished
from streams.models import Publish, Stream
from streams.rules import refusals as words
from streams.rules import url_signing
from streams.services import known_keys, refusals
from streams.services.refusals import Refused
from streams.services.streams import expired_ago

log = logging.getLogger(__name__)

PUBLISHER = Actor(kind="publisher")
# The engine lists a publisher a moment after it asked us about it.
FRESH = timedelta(seconds=3)


def admit_publisher(*, hook: Hook, now: datetime) -> Publish:
    """Let a publisher in, or Refused. The room is live and its viewers are being told when this returns."""
    if not refusals.heed(name=hook.stream, address=hook.address) and not known_keys.could_be_good(
        name=hook.stream, params=hook.params, now=now
    ):
        publish_decisions.labels(decision="too_often").inc()
        raise Refused("Refused too often in the last minute; wait a minute.", reason="too_often", code=600)
    stream = (
        Stream.objects.select_related("room__app").filter(name=hook.stream, room__disbanded_at__isnull=True).first()
    )
    try:
        if stream is None:
            raise _refused("unknown_stream", f"There is no stream {hook.stream!r}.", code=306)
        domain_id = _check_key(stream, hook, now)
        permission.ask("stream.publish", actor=PUBLISHER, room=stream, role="publisher")
        publish = _take_place(stream, hook, now, domain_id=domain_id)
    except LiveRoomError as error:
        refused = error if isinstance(error, Refused) else Refused(error.message, reason=error.name, code=error.code)
        _tell(
            refused, stream=stream, name=hook.stream, address=hook.address, given=hook.sent_as or hook.stream, now=now
        )
        raise refused from None
    publish_decisions.labels(decision="admitted").inc()
    return publish


def refuse_unreadable(*, bad: BadHook, now: datetime) -> None:
    """A push whose fields make no sense, told to whom it concerns: the stream that they name, or whoever looks from that address."""
    problem = bad.problem
    if problem is None:
        publish_decisions.labels(decision="bad_hook").inc()
        return
    if not refusals.heed(name=problem.reason, address=bad.address):
        return
    found = {
        stream.name: stream
        for stream in Stream.objects.select_related("room__app").filter(
            name__in=bad.names, room__disbanded_at__isnull=True
        )
    }
    stream = next((found[name] for name in bad.names if name in found), None)
    code = words.CODES.get(problem.reason, words.BAD_CHARACTERS)
    refused = Refused(problem.text, reason=problem.reason, code=code, detail=problem.detail)
    _tell(refused, stream=stream, name=problem.reason, address=bad.address, given=bad.given, now=now)


def _tell(refused: Refused, *, stream: Stream | None, name: str, address: str, given: str, now: datetime) -> None:
    refusals.count_attempt(name=name, address=address)
    publish_decisions.labels(decision=refused.reason).inc()
    refusals.record(
        refusals.Refusal(
            stream=stream, reason=refused.reason, code=refused.code, text=refused.message, detail=refused.detail,
            address=address, given=given.partition("?")[0],
        ),
        now=now,
    )  # fmt: skip


def _refused(reason: str, detail: str, *, code: int) -> Refused:
    """`detail` for whoever looks behind it; the streamer reads the words of the table."""
    return Refused(words.WORDS.get(reason, detail), reason=reason, code=code, detail=detail)


def _check_key(stream: Stream, hook: Hook, now: datetime) -> int | None:
    """The keys of every enabled push domain of the app count, each with its own AuthDelta; with none, nothing is pushed.

    Returns the pk of the domain whose key signed, None where signing is off."""
    signing_keys = selectors.signing_keys(domains_of(stream.room.app, Domain.PUSH))
    if signing_keys is None:
        raise _refused("no_push_domain", "The app has no enabled push domain.", code=300)
    tx_time, floor = hook.params.get("txTime"), stream.key_floor or None
    if floor is not None and url_signing.check_after(
        secret=signing.derived_secret(addresses.AFTER_PURPOSE), stream=stream.name, tx_time=tx_time, floor=floor,
        signature=hook.params.get(addresses.AFTER),
    ):  # fmt: skip
        floor = None
    refusal = url_signing.check(
        keys=signing_keys.keys,
        stream=stream.name,
        tx_secret=hook.params.get("txSecret"),
        tx_time=tx_time,
        now=now,
        delta_seconds=signing_keys.delta_seconds,
        floor=floor,
    )
    if refusal is None:
        signed_with = url_signing.signer(
            keys=signing_keys.keys, stream=stream.name, tx_secret=hook.params.get("txSecret"), tx_time=tx_time
        )
        return None if signed_with is None else signing_keys.domains[signed_with]
    refused = _refused(refusal.reason, refusal.text, code=refusal.code)
    if refusal is url_signing.Refusal.EXPIRED:
        refused.message = f"The key expired {expired_ago(tx_time, now=now)} ago; copy the new one from the console."
    raise refused


def _take_place(stream: Stream, hook: Hook, now: datetime, *, domain_id: int | None) -> Publish:
    """A stream has one publisher. The engine is asked whether the one that we know of is really still there.

    Asked first: nothing waits for the engine while rows are locked (SQLite has one lock for all)."""
    there = selectors.open_publish(stream)
    makes_room = ""
    if there is not None and there.client_id != hook.client_id:
        if _is_gone(there, now):
            makes_room = "gone"
        elif stream.room.app.second_publisher == App.TAKE_OVER:
            engine().drop_publisher(stream=stream.name)
            makes_room = "replaced"
    with transaction.atomic():
        locked(stream.room_id)
        present, owed = selectors.open_publish(stream), 0
        if present is not None and present.client_id == hook.client_id:
            # The same connection begins again: its goodbye is under way and must not end what begins now.
            owed = present.goodbyes_owed + 1
            close_publish(publish=present, now=now, reason="left")
        elif present is not None and there is not None and present.pk == there.pk and makes_room:
            close_publish(publish=present, now=now, reason=makes_room)
        elif present is not None:
            raise _on_air_already(present, now)
        return open_publish(
            stream=stream, client_id=hook.client_id, address=hook.address, now=now, hook=hook, goodbyes_owed=owed,
            domain_id=domain_id,
        )  # fmt: skip


def _on_air_already(there: Publish, now: datetime) -> Refused:
    minutes = int((now - there.started_at).total_seconds() // 60)
    return Refused(
        f"This stream is on air already, from {there.address or 'another encoder'} for {minutes} min; stop that one first.",
        reason="second_publisher",
        code=600,
        detail=f"Connection {there.client_id} publishes it.",
    )


def _is_gone(publish: Publish, now: datetime) -> bool:
    if publish.started_at >= now - FRESH:
        return False
    try:
        listed = engine().state().streams.get(publish.stream.name)
    except EngineUnreachable:
        return False
    return listed is None or listed.publisher is None


@transaction.atomic
def open_publish(
    *,
    stream: Stream,
    client_id: str,
    address: str,
    now: datetime,
    hook: Hook | None = None,
    goodbyes_owed: int = 0,
    domain_id: int | None = None,
) -> Publish:
    """Write that somebody publishes, and let the room follow. An open publish of the stream is closed first."""
    room = locked(stream.room_id)
    older = selectors.open_publish(stream)
    if older is not None:
        _end(older, now, "replaced")
    if stream.on_programme:
        room = publisher_came(room_id=room.pk, now=now)
    if stream.unplayable:
        # What this one sends is judged anew.
        Stream.objects.filter(pk=stream.pk).update(unplayable="")
        stream.unplayable = ""
    publish = Publish.objects.create(
        stream=stream,
        session=LiveSession.objects.filter(room=room, ended_at__isnull=True).first(),
        client_id=client_id,
        address=address[:45],
        software=hook.encoder[:120] if hook else "",
        query=_shown_query(hook),
        goodbyes_owed=goodbyes_owed,
        domain_id=domain_id,
        started_at=now,
    )
    facts.state(
        StreamPublished(
            stream=stream.name,
            room_id=room.pk,
            room_key=room.key,
            at=now,
            on_programme=stream.on_programme,
            address=address,
        )
    )
    return publish


def _shown_query(hook: Hook | None) -> str:
    if hook is None:
        return ""
    return "&".join(f"{key}={value}" for key, value in hook.params.items() if key != "txSecret")[:500]


def publisher_left(*, hook: Hook, now: datetime) -> bool:
    """`publish_done`. Only the connection that we know of counts: a refused second one says goodbye too (media-facts.md, trap 2).

    One connection may publish several times, and callbacks overtake each other: a goodbye that is owed from before ends nothing now."""
    stream = Stream.objects.filter(name=hook.stream).first()
    if stream is None:
        return False
    with transaction.atomic():
        locked(stream.room_id)
        publish = (
            Publish.objects.select_related("stream__room__app")
            .filter(stream=stream, client_id=hook.client_id, ended_at__isnull=True)
            .first()
        )
        if publish is None:
            return False
        if not publish.goodbyes_owed:
            close_publish(publish=publish, now=now, reason="left")
            return True
        publish.goodbyes_owed -= 1
        publish.save(update_fields=["goodbyes_owed"])
    # The earlier goodbye may never have been sent: then this one is for now.
    if not _is_gone(publish, now):
        return False
    close_publish(publish=publish, now=now, reason="left")
    return True


@transaction.atomic
def close_publish(*, publish: Publish, now: datetime, reason: str) -> None:
    """Write that the publisher is gone; the grace time of the room begins."""
    stream = publish.stream
    room = locked(stream.room_id)
    if not _end(publish, now, reason):
        return
    if stream.on_programme:
        publisher_lost(room_id=room.pk, now=now)


def _end(publish: Publish, now: datetime, reason: str) -> bool:
    """Whether it was us who ended it: a callback and the reconciler may both try."""
    if not Publish.objects.filter(pk=publish.pk, ended_at__isnull=True).update(ended_at=now, end_reason=reason):
        return False
    stream = publish.stream
    facts.state(
        StreamUnpublished(
            stream=stream.name,
            room_id=stream.room_id,
            room_key=stream.room.key,
            at=now,
            on_programme=stream.on_programme,
            reason=reason,
        )
    )
    return True
