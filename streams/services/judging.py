"""Whether browsers can play what is sent: known from the engine's list and, where that says too little, from a look at the stream.

What is found is written onto the stream, for the streamer and for viewers' addresses, and told to the room when it changes."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from liveroom.kernel import facts
from streams.engines.base import EngineState, EngineStream
from streams.facts import PictureJudged
from streams.gateway import access
from streams.models import Publish, Stream
from streams.rules.codecs import Codec

# The engine meets the first picture within a second of the publish.
SETTLED_MS = 1_000
# A second look: keyframes may come late, and a picture after the sound.
AGAIN_MS = 15_000


class Judge:
    """What one process remembers of the publishers in the engine's list, and of no others; lost without harm."""

    def __init__(self) -> None:
        self._looked: dict[tuple[str, str], int] = {}
        self._met: dict[tuple[str, str], Codec] = {}
        self._written: dict[tuple[str, str], str] = {}

    def to_look_at(self, state: EngineState) -> list[tuple[str, str]]:
        """(stream, publisher) of pictures about which the engine says too little."""
        found = []
        for stream in state.streams.values():
            who = stream.publisher
            if who is None or who.connected_ms < SETTLED_MS or (stream.video_codec and not access.unplayable(stream)):
                continue
            key = (stream.name, who.client_id)
            looks = self._looked.get(key, 0)
            if looks == 0 or (looks == 1 and who.connected_ms > AGAIN_MS and key not in self._met):
                self._looked[key] = looks + 1
                found.append(key)
        return found

    def keep_look(self, *, stream: str, client_id: str, codec: Codec | None) -> None:
        if codec is not None:
            self._met[(stream, client_id)] = codec

    def judge(self, state: EngineState, *, now: datetime) -> int:
        """Write and tell what changed. How many publishers it was."""
        present: set[tuple[str, str]] = set()
        changes = 0
        for stream in state.streams.values():
            if stream.publisher is None or stream.publisher.connected_ms < SETTLED_MS:
                continue
            key = (stream.name, stream.publisher.client_id)
            present.add(key)
            codec = self._verdict(stream, self._met.get(key))
            if (
                self._written.get(key) != codec
                and write(stream=key[0], client_id=key[1], codec=codec, now=now) is not None
            ):
                self._written[key] = codec
                changes += 1
        for known in (self._looked, self._met, self._written):
            for gone in known.keys() - present:
                del known[gone]  # type: ignore[attr-defined]
        return changes

    @staticmethod
    def _verdict(stream: EngineStream, met: Codec | None) -> str:
        by_engine = access.unplayable(stream)
        if met is not None and not met.plays and (by_engine or not stream.video_codec):
            return met.name  # the same, by its name
        return by_engine


@transaction.atomic
def write(*, stream: str, client_id: str, codec: str, now: datetime) -> bool | None:
    """Whether the publish said something else before; the room is told then. None: there is no such open publish (yet)."""
    publish = (
        Publish.objects.select_related("stream__room")
        .filter(stream__name=stream, client_id=client_id, ended_at__isnull=True)
        .first()
    )
    if publish is None:
        return None
    codec = codec[:60]
    if publish.stream.unplayable == codec:
        return False
    Stream.objects.filter(pk=publish.stream_id).update(unplayable=codec)
    room = publish.stream.room
    facts.state(
        PictureJudged(
            stream=stream,
            room_id=room.pk,
            room_key=room.key,
            at=now,
            on_programme=publish.stream.on_programme,
            codec=codec,
        )
    )
    return True
