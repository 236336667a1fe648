"""A mix as its desk shows it: what is prepared, what is on air, how each input does, and where to hear the rest live."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import redis

from liveroom.kernel.data.redis import redis_for
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import instants
from liveroom.kernel.values.signing import derived_secret
from streams.director.rules import PURPOSE, query
from streams.jobs.models import State
from streams.media.compositor.wires import Told, read_told, told_channel
from streams.mixes.models import Mix
from streams.mixes.rules.scenes import PICKED
from streams.mixes.selectors import jobs_of, shown_mix

# A compositor speaks ten times a second.
_LISTENS_SECONDS: Final = 0.3
_NOT_OF_A_DESK: Final = ("places", "overlays", "background", "programme")


def shown_desk(mix: Mix, *, actor: Actor, now: datetime, http: str, meters: bool = True) -> dict[str, Any]:
    """`meters`: listens for a moment to how the inputs are; without, `told` is null. `http`: the origin under which the desk sees us."""
    shown = shown_mix(mix, jobs_of([mix]).get(mix.reference))
    programme = {name: shown[name] for name in ("places", "overlays", "background")}
    told = told_now(mix) if meters and shown["state"] == State.RUNNING else None
    inputs = {} if told is None else {one.id: one for one in told.inputs}
    said, until = query(
        secret=derived_secret(PURPOSE), mix=mix.number, label=_label(actor), now_seconds=now.timestamp()
    )
    return {
        **{name: value for name, value in shown.items() if name not in _NOT_OF_A_DESK},
        "wants_programme": shown["programme"],
        "inputs": [{**one, "told": _told(inputs.get(one["id"]))} for one in shown["inputs"]],
        "preview": shown["preview"],
        "programme": programme,
        "overlays": overlays_of(mix, preview=shown["preview"], programme=programme),
        "told": _told(told),
        "live": {
            "url": f"{http}/live/desk/{mix.number}?{said}",
            "expires_at": instants.shown(datetime.fromtimestamp(until, tz=UTC)),
            "expires_in_ms": max(0, int((until - now.timestamp()) * 1000)),
        },
    }  # fmt: skip


def _label(actor: Actor) -> str:
    return f"{actor.kind}:{actor.person_id or ''}:{actor.label}"


def _told(one: msgspec.Struct | None) -> dict[str, Any] | None:
    """With the values that are usual, too; without pictures and inputs, which stand elsewhere."""
    if one is None:
        return None
    names = (name for name in one.__struct_fields__ if name not in ("pictures", "inputs", "id"))
    return {name: getattr(one, name) for name in names}


def overlays_of(mix: Mix, *, preview: dict[str, Any] | None, programme: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that the desk keeps, in their order, then what else is shown; without the picked comment."""
    looks = {
        "on_preview": {one["id"]: one for one in (preview or {}).get("overlays", ())},
        "on_programme": {one["id"]: one for one in programme["overlays"]},
    }
    found = {row.ident: row.said for row in mix.kept_overlays.order_by("pk")}
    for look in looks.values():
        for ident, one in look.items():
            if ident != PICKED:
                found.setdefault(ident, one)
    return [{**one, **{name: ident in look for name, look in looks.items()}} for ident, one in found.items()]


def told_now(mix: Mix) -> Told | None:
    """What its compositor says next. None: it says nothing, or Redis is away."""
    end = time.monotonic() + _LISTENS_SECONDS
    with suppress(redis.RedisError, OSError), redis_for(mix.room.key).pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(told_channel(mix.number))
        while (left := end - time.monotonic()) > 0:
            message = channel.get_message(timeout=left)
            if message is not None:
                with suppress(msgspec.MsgspecError):
                    return read_told(message["data"])
    return None
