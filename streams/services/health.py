"""How a stream is doing right now, for the streamer: counted by the reconciler, gone when it stops being true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
import redis

from liveroom.kernel.data.redis import PREFIX, shared
from streams.engines.base import EngineStream
from streams.models import Publish, Stream
from streams.rules import codecs
from streams.rules.encoders import encoder_name
from streams.snapshots.models import Trouble
from streams.snapshots.rules import said_of
from streams.snapshots.troubles import open_by_stream

KEPT_SECONDS = 10
GOOD_KEYFRAME_SECONDS = 2.5


@dataclass(frozen=True, slots=True)
class Wrong:
    """The picture is black or frozen, or the sound is silent, since then."""

    trouble: str
    since: str
    text: str


@dataclass(frozen=True, slots=True)
class Health:
    """None where it is not known (yet). Bitrate in kilobits a second, as the engine counts it."""

    on_air: bool
    bitrate_kbps: int | None = None
    frame_rate: float | None = None
    width: int | None = None
    height: int | None = None
    video_codec: str = ""
    audio_codec: str = ""
    keyframe_seconds: float | None = None
    since: str | None = None
    address: str = ""
    software: str = ""
    players: int = 0
    advice: tuple[str, ...] = ()
    troubles: tuple[Wrong, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _key(stream: str) -> str:
    return f"{PREFIX}:health:{stream}"


def keep(*, found: EngineStream) -> None:
    """Written by the reconciler every two seconds. Redis away: the console shows less for a moment."""
    value = {
        "bitrate_kbps": found.bitrate_kbps or None,
        "frame_rate": found.frame_rate or None,
        "width": found.width or None,
        "height": found.height or None,
        "video_codec": found.video_codec,
        "audio_codec": found.audio_codec,
        "players": found.players,
    }
    try:
        shared().set(_key(found.name), orjson.dumps(value), ex=KEPT_SECONDS)
    except redis.RedisError:
        pass


def health_of(stream: Stream) -> Health:
    return health_by_stream([stream])[stream.pk]


def health_by_stream(streams: Sequence[Stream]) -> dict[int, Health]:
    """The same for many, by their pks: two queries and one question to Redis."""
    open_ = Publish.objects.filter(stream__in=list(streams), ended_at__isnull=True)
    publishes = {publish.stream_id: publish for publish in open_}
    on_air = [stream for stream in streams if stream.pk in publishes]
    found = {stream.pk: Health(on_air=False) for stream in streams}
    if on_air:
        troubles = open_by_stream(on_air)
        for stream, counted in zip(on_air, _counted(on_air), strict=True):
            found[stream.pk] = _health(stream, publishes[stream.pk], counted, troubles.get(stream.pk, ()))
    return found


def _counted(streams: Sequence[Stream]) -> list[dict[str, Any]]:
    """What the reconciler wrote of each, lately; without Redis nothing is known."""
    try:
        rows: Any = shared().mget([_key(stream.name) for stream in streams])
    except redis.RedisError:
        return [{} for _ in streams]
    return [orjson.loads(raw) if raw else {} for raw in rows]


def _health(stream: Stream, publish: Publish, counted: dict[str, Any], troubles: Sequence[Trouble]) -> Health:
    wrong = tuple(Wrong(trouble=row.trouble, since=_iso(row.began_at), text=said_of(row.trouble)) for row in troubles)
    return Health(
        on_air=True,
        bitrate_kbps=counted.get("bitrate_kbps"),
        frame_rate=counted.get("frame_rate"),
        width=counted.get("width") or publish.width,
        height=counted.get("height") or publish.height,
        video_codec=stream.unplayable or counted.get("video_codec", ""),
        audio_codec=counted.get("audio_codec", ""),
        keyframe_seconds=publish.keyframe_seconds,
        since=_iso(publish.started_at),
        address=publish.address,
        software=encoder_name(publish.software),
        players=counted.get("players", 0),
        advice=(*(one.text for one in wrong), *_advice(stream.unplayable, publish.keyframe_seconds, counted)),
        troubles=wrong,
    )


def _advice(unplayable: str, keyframe_seconds: float | None, counted: dict[str, Any]) -> list[str]:
    """What keeps viewers from the picture comes first."""
    found = []
    if unplayable:
        found.append(codecs.streamer_text(unplayable))
    if keyframe_seconds is not None and keyframe_seconds > GOOD_KEYFRAME_SECONDS:
        found.append(
            f"A keyframe comes every {keyframe_seconds:.1f} s, so viewers wait that long for a picture: "
            "set the keyframe interval to 2 s."
        )
    sound = codecs.engine_audio(counted.get("audio_codec", ""))
    if sound is not None and not sound.plays:
        found.append(codecs.sound_text(sound.name))
    elif counted and sound is None:
        found.append("No sound arrives.")
    return found


def _iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
