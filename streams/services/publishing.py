"""Who may push: the engine's questions, answered. Every refusal is recorded in words for the streamer.

The engine's own list stays the truth: what is missed or mistaken here is repaired by `reconcile` within two seconds."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from liveroom.accounts.models import App, Domain
from liveroom.accounts.selectors import domains_of
from liveroom.kernel import permission
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import signing
from liveroom.kernel.work.metrics import publish_decisions
from liveroom.rooms.services.locking import locked
from streams import addresses, selectors
from streams.engines import engine
from streams.engines.base import BadHook, EngineUnreachable, Hook
from streams.models import Publish, Stream
from streams.rules import refusals as words
from streams.rules import url_signing
from streams.services import known_keys, own_publishing, refusals
from streams.services.own_publishing import Carried, OwnPublisher
from streams.services.publishes import close_publish, open_publish
from streams.services.refusals import Refused
from streams.services.streams import expired_ago

log = logging.getLogger(__name__)

PUBLISHER = Actor(kind="publisher")
# The engine lists a publisher a moment after it asked us about it.
FRESH = timedelta(seconds=3)


def admit_publisher(*, hook: Hook, now: datetime) -> Publish:
    """Let a publisher in, or Refused. The room is live and its viewers are being told when this returns."""
    own = own_publishing.claimed(stream=hook.stream, params=hook.params)
    if own is not None:
        return _admit_own(hook=hook, own=own, now=now)
    carried = own_publishing.carried(stream=hook.stream, params=hook.params, now=now)
    if carried is not None:
        return _admit_carried(hook=hook, carried=carried, now=now)
    judged = judge_publisher(hook=hook, now=now)
    return _let_in(judged.stream, hook, now, domain_id=judged.domain_id)


@dataclass(frozen=True, slots=True)
class Judged:
    """A key that is good. `domain_id`: whose key signed, None where signing is off."""

    stream: Stream
    domain_id: int | None


def judge_publisher(*, hook: Hook, now: datetime) -> Judged:
    """Whether somebody with this key may publish, or Refused; the place is not taken yet."""
    if not refusals.heed(name=hook.stream, address=hook.address) and not known_keys.could_be_good(
        name=hook.stream, params=hook.params, now=now
    ):
        publish_decisions.labels(decision="too_often").inc()
        raise Refused("Refused too often in the last minute; wait a minute.", reason="too_often", code=600)
    stream = _stream_named(hook.stream)
    try:
        if stream is None:
            raise _refused("unknown_stream", f"There is no stream {hook.stream!r}.", code=306)
        domain_id = _check_key(stream, hook, now)
        if stream.made_by:
            raise _refused("made_stream", f"The picture of {hook.stream!r} is made by this server.", code=600)
        permission.ask("stream.publish", actor=PUBLISHER, room=stream, role="publisher")
        return Judged(stream=stream, domain_id=domain_id)
    except LiveRoomError as error:
        raise _told(error, stream=stream, hook=hook, now=now) from None


def refuse_taken(*, judged: Judged, hook: Hook, now: datetime) -> None:
    """Refused, if somebody publishes there and would not give way: for who must be told before the connection stands."""
    there = selectors.open_publish(judged.stream)
    if there is None or judged.stream.room.app.second_publisher == App.TAKE_OVER or _is_gone(there, now):
        return
    raise _told(_on_air_already(there, now), stream=judged.stream, hook=hook, now=now)


def _let_in(stream: Stream, hook: Hook, now: datetime, *, domain_id: int | None) -> Publish:
    try:
        publish = _take_place(stream, hook, now, domain_id=domain_id)
    except LiveRoomError as error:
        raise _told(error, stream=stream, hook=hook, now=now) from None
    publish_decisions.labels(decision="admitted").inc()
    return publish


def _admit_carried(*, hook: Hook, carried: Carried, now: datetime) -> Publish:
    """A streamer that came by another protocol. Its key was judged there a moment ago; what may have changed since is asked again."""
    hook = replace(hook, address=carried.address, encoder=carried.encoder, params={})
    stream = _stream_named(hook.stream)
    try:
        if stream is None:
            raise _refused("unknown_stream", f"There is no stream {hook.stream!r}.", code=306)
        permission.ask("stream.publish", actor=PUBLISHER, room=stream, role="publisher")
    except LiveRoomError as error:
        raise _told(error, stream=stream, hook=hook, now=now) from None
    return _let_in(stream, hook, now, domain_id=carried.domain_id)


def _told(error: LiveRoomError, *, stream: Stream | None, hook: Hook, now: datetime) -> Refused:
    """The refusal, kept for the streamer."""
    refused = error if isinstance(error, Refused) else Refused(error.message, reason=error.name, code=error.code)
    _tell(refused, stream=stream, name=hook.stream, address=hook.address, given=hook.sent_as or hook.stream, now=now)
    return refused


def _admit_own(*, hook: Hook, own: OwnPublisher, now: datetime) -> Publish:
    """A media job of ours: its run instead of a key, everything else as for everybody. Its refusals are no lines for the streamer."""
    try:
        stream = _stream_named(hook.stream)
        if stream is None:
            raise _refused("unknown_stream", f"There is no stream {hook.stream!r}.", code=306)
        own_publishing.refuse_stale(own=own, stream=stream)
        if not domains_of(stream.room.app, Domain.PUSH):
            raise _refused("no_push_domain", "The app has no enabled push domain.", code=300)
        permission.ask("stream.publish", actor=PUBLISHER, room=stream, role="publisher")
        publish = _take_place(stream, hook, now, domain_id=None, own=own)
    except LiveRoomError as error:
        own_publishing.note_refusal(own=own, reason=error.message)
        publish_decisions.labels(decision="own_refused").inc()
        raise
    publish_decisions.labels(decision="own_admitted").inc()
    return publish


def _stream_named(name: str) -> Stream | None:
    return Stream.objects.select_related("room__app").filter(name=name, room__disbanded_at__isnull=True).first()


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


def _take_place(
    stream: Stream, hook: Hook, now: datetime, *, domain_id: int | None, own: OwnPublisher | None = None
) -> Publish:
    """A stream has one publisher. The engine is asked whether the one that we know of is really still there.

    A job of ours (`own`) takes the place of its own earlier runs, and of nobody else.

    Asked first: nothing waits for the engine while rows are locked (SQLite has one lock for all)."""
    there = selectors.open_publish(stream)
    makes_room = ""
    if there is not None and there.client_id != hook.client_id:
        if _is_gone(there, now):
            makes_room = "gone"
        elif _gives_way(there, own) if own else stream.room.app.second_publisher == App.TAKE_OVER:
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
            domain_id=domain_id, own=own,
        )  # fmt: skip


def _gives_way(there: Publish, own: OwnPublisher) -> bool:
    return there.job_id == own.job_id and there.job_run < own.run


def _on_air_already(there: Publish, now: datetime) -> Refused:
    minutes = int((now - there.started_at).total_seconds() // 60)
    whom = "a relay or another job of this server" if there.job_id else there.address or "another encoder"
    return Refused(
        f"This stream is on air already, from {whom} for {minutes} min; stop that one first.",
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
