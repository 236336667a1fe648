"""Who may push and play: the engine's questions, answered. Every refusal is recorded in words for the streamer.

The engine's own list stays the truth: what is missed or mistaken here is repaired by `reconcile` within two seconds."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from liveroom.accounts.models import App, Domain
from liveroom.accounts.selectors import domain_of
from liveroom.kernel import facts, permission, signing
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.http import is_trusted
from liveroom.kernel.metrics import publish_decisions
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import LiveSession
from liveroom.rooms.services.locking import locked
from liveroom.rooms.services.status import publisher_came, publisher_lost
from streams import selectors
from streams.engines import engine
from streams.engines.base import EngineUnreachable, Hook
from streams.facts import PublishRefused, StreamPublished, StreamUnpublished
from streams.models import Publish, PushRefusal, Stream
from streams.rules import url_signing
from streams.services import audience
from streams.services.streams import expired_ago

log = logging.getLogger(__name__)

PUBLISHER = Actor(kind="publisher")
# The engine lists a publisher a moment after it asked us about it.
FRESH = timedelta(seconds=3)
KEPT_REFUSALS = 100


class Refused(LiveRoomError):
    """The engine is told no; `reason` is for programs, the message for the streamer."""

    name, status = "refused", 403

    def __init__(self, message: str, *, reason: str, code: int) -> None:
        super().__init__(message)
        self.reason, self.code = reason, code


def admit_publisher(*, hook: Hook, now: datetime) -> Publish:
    """Let a publisher in, or Refused. The room is live and its viewers are being told when this returns."""
    stream = (
        Stream.objects.select_related("room__app").filter(name=hook.stream, room__disbanded_at__isnull=True).first()
    )
    if stream is None:
        publish_decisions.labels(decision="unknown_stream").inc()
        raise Refused(
            f"There is no stream {hook.stream!r}; copy the stream key whole.", reason="unknown_stream", code=306
        )
    try:
        _check_key(stream, hook, now)
        permission.ask("stream.publish", actor=PUBLISHER, room=stream, role="publisher")
        _make_place(stream, hook, now)
    except LiveRoomError as error:
        reason = error.reason if isinstance(error, Refused) else error.name
        _record_refusal(stream, hook, now, reason=reason, code=error.code, text=error.message)
        publish_decisions.labels(decision=reason).inc()
        raise Refused(error.message, reason=reason, code=error.code) from None
    publish_decisions.labels(decision="admitted").inc()
    return open_publish(stream=stream, client_id=hook.client_id, address=hook.address, now=now, hook=hook)


def _check_key(stream: Stream, hook: Hook, now: datetime) -> None:
    domain = domain_of(stream.room.app, Domain.PUSH)
    if domain is None:
        return
    tx_time = hook.params.get("txTime")
    refusal = url_signing.check(
        keys=domain.keys(),
        stream=stream.name,
        tx_secret=hook.params.get("txSecret"),
        tx_time=tx_time,
        now=now,
        delta_seconds=domain.auth_delta_seconds,
        floor=stream.key_floor or None,
    )
    if refusal is None:
        return
    text = refusal.text
    if refusal is url_signing.Refusal.EXPIRED:
        text = f"The key expired {expired_ago(tx_time, now=now)} ago; copy the new one from the console."
    raise Refused(text, reason=refusal.reason, code=refusal.code)


def _make_place(stream: Stream, hook: Hook, now: datetime) -> None:
    """A stream has one publisher. The engine is asked whether the one that we know of is really still there."""
    there = selectors.open_publish(stream)
    if there is None:
        return
    try:
        listed = engine().state().streams.get(stream.name)
        gone = (listed is None or listed.publisher is None) and there.started_at < now - FRESH
    except EngineUnreachable:
        gone = False
    if gone:
        close_publish(publish=there, now=now, reason="gone")
    elif stream.room.app.second_publisher == App.TAKE_OVER:
        engine().drop_publisher(stream=stream.name)
        close_publish(publish=there, now=now, reason="replaced")
    else:
        minutes = int((now - there.started_at).total_seconds() // 60)
        raise Refused(
            f"This stream is on air already, from {there.address or 'another encoder'} for {minutes} min; stop that one first.",
            reason="second_publisher",
            code=600,
        )


def _record_refusal(stream: Stream, hook: Hook, now: datetime, *, reason: str, code: int, text: str) -> None:
    with transaction.atomic():
        PushRefusal.objects.create(
            stream=stream, at=now, code=code, reason=reason, text=text[:300], address=hook.address[:45]
        )
        facts.state(
            PublishRefused(
                stream=stream.name, room_id=stream.room_id, room_key=stream.room.key, at=now, reason=reason, text=text
            )
        )
        keep = PushRefusal.objects.filter(stream=stream).order_by("-id").values_list("pk", flat=True)[:KEPT_REFUSALS]
        PushRefusal.objects.filter(stream=stream).exclude(pk__in=list(keep)).delete()


@transaction.atomic
def open_publish(*, stream: Stream, client_id: str, address: str, now: datetime, hook: Hook | None = None) -> Publish:
    """Write that somebody publishes, and let the room follow. An open publish of the stream is closed first."""
    room = locked(stream.room_id)
    older = selectors.open_publish(stream)
    if older is not None:
        _end(older, now, "replaced")
    if stream.on_programme:
        room = publisher_came(room_id=room.pk, now=now)
    publish = Publish.objects.create(
        stream=stream,
        session=LiveSession.objects.filter(room=room, ended_at__isnull=True).first(),
        client_id=client_id,
        address=address[:45],
        software=hook.encoder[:120] if hook else "",
        query=_shown_query(hook),
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
    """`publish_done`. Only the connection that we know of counts: a refused second one says goodbye too (media-facts.md, trap 2)."""
    publish = (
        Publish.objects.select_related("stream__room__app")
        .filter(stream__name=hook.stream, client_id=hook.client_id, ended_at__isnull=True)
        .first()
    )
    if publish is None:
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
    facts.state(
        StreamUnpublished(
            stream=stream.name,
            room_id=room.pk,
            room_key=room.key,
            at=now,
            on_programme=stream.on_programme,
            reason=reason,
        )
    )


def _end(publish: Publish, now: datetime, reason: str) -> bool:
    """Whether it was us who ended it: a callback and the reconciler may both try."""
    return bool(Publish.objects.filter(pk=publish.pk, ended_at__isnull=True).update(ended_at=now, end_reason=reason))


def admit_player(*, hook: Hook, now: datetime) -> None:
    """RTMP playback: the gateway by its token, everybody else by a signed address. Refused otherwise."""
    token = hook.params.get("gw")
    # Its arguments show to whoever is on its host: the token is worth something from there only.
    if token is not None and is_trusted(hook.address) and signing.same(token, signing.derived_secret("gateway")):
        return
    policy = selectors.play_policy(stream=hook.stream)
    if policy is None:
        raise Refused(f"There is no stream {hook.stream!r}.", reason="unknown_stream", code=306)
    tx_time = hook.params.get("txTime")
    refusal = url_signing.check(
        keys=policy.keys,
        stream=policy.stream,
        tx_secret=hook.params.get("txSecret"),
        tx_time=tx_time,
        now=now,
        delta_seconds=policy.delta_seconds,
    )
    if refusal is not None:
        raise Refused(refusal.text, reason=refusal.reason, code=refusal.code)
    if policy.needs_vid and not url_signing.check_vid(
        secret=signing.derived_secret(selectors.VID_PURPOSE),
        stream=policy.stream,
        vid=hook.params.get("vid"),
        vsig=hook.params.get("vsig"),
        tx_time=tx_time,
    ):
        raise Refused(
            "The address does not say for whom it was made; take it from the room.", reason="viewer", code=503
        )
    if policy.viewer_limit is not None and audience.viewers(room_key=policy.room_key, now=now) >= policy.viewer_limit:
        raise Refused(f"The room is full: {policy.viewer_limit} viewers.", reason="viewer_limit", code=601)
