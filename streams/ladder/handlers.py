"""Without a publisher a ladder plays nothing: viewers are told so, and again when the next one's is there."""

from __future__ import annotations

from liveroom.kernel.facts import handles
from streams.facts import StreamUnpublished
from streams.ladder import playing
from streams.models.streams import Stream


@handles(StreamUnpublished)
def plays_no_more(fact: StreamUnpublished) -> None:
    stream = Stream.objects.filter(name=fact.stream).first()
    if stream is not None and stream.ladder:
        playing.plays(stream_id=stream.pk, rungs=(), now=fact.at)
