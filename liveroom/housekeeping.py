"""What is forgotten in time, handed to the task workers."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


def hand_out() -> None:
    """Tasks are imported late: they find their app only once Django is ready."""
    from interactions.tasks import prune_archive
    from liveroom.kernel.tasks import prune
    from streams.tasks import prune_publishes

    try:
        for task in (prune, prune_publishes, prune_archive):
            task.delay()
    except Exception as error:  # the broker's own kinds of errors; the next hour tries again
        log.warning("House-keeping could not be handed to the task workers: %s", error)
