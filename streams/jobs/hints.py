"""A word to the hosts that something is wanted: they look at once instead of within a second. A lost one costs that second."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import redis
from django.db import transaction

from liveroom.kernel.data.redis import common_channel, shared

log = logging.getLogger(__name__)

_CHANNEL = "media:wake"
_AGAIN_SECONDS = 1.0


def wake_after_commit() -> None:
    """Once the transaction is done; never fails."""
    transaction.on_commit(_wake)


def _wake() -> None:
    try:
        shared().publish(common_channel(_CHANNEL), b"1")
    except redis.RedisError as error:
        log.info("Media hosts were not told (%s); they look by themselves.", error)


def listen(woken: Callable[[], None], *, ending: threading.Event) -> None:
    """Calls `woken` at each word, from a thread of its own, until `ending` is set."""

    def run() -> None:
        while not ending.is_set():
            try:
                with shared().pubsub(ignore_subscribe_messages=True) as subscriber:
                    subscriber.subscribe(common_channel(_CHANNEL))
                    while not ending.is_set():
                        if subscriber.get_message(timeout=1.0) is not None:
                            woken()
            except redis.RedisError:
                ending.wait(_AGAIN_SECONDS)

    threading.Thread(target=run, name="media hints", daemon=True).start()
