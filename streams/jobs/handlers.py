"""A publisher came or went: jobs that wait for one, or lost it, are looked at now."""

from __future__ import annotations

from liveroom.kernel.facts import handles
from streams.facts import StreamPublished, StreamUnpublished
from streams.jobs import hints


@handles(StreamPublished)
def wake_for_publisher(fact: StreamPublished) -> None:
    hints.wake_after_commit()


@handles(StreamUnpublished)
def wake_without_publisher(fact: StreamUnpublished) -> None:
    hints.wake_after_commit()
