"""Cutting a publisher: asked of the engine after the commit; the reconciler asks again where that failed."""

from __future__ import annotations

import logging

from streams.engines import engine
from streams.engines.base import EngineUnreachable

log = logging.getLogger(__name__)


def cut(*, stream: str) -> bool:
    """Whether the engine dropped somebody. False also while the engine is away: nobody publishes to it then."""
    try:
        return engine().drop_publisher(stream=stream)
    except EngineUnreachable as error:
        log.warning("The engine could not be asked to cut %s: %s", stream, error)
        return False
