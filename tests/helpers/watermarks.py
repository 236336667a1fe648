"""Watermarks as tests make them."""

from __future__ import annotations

from typing import Any

from liveroom.kernel import clock
from streams.watermarks import services
from streams.watermarks.models import Watermark
from tests.helpers.people import STAFF, Cast


def made_watermark(cast: Cast, *, target: Any = None, **said: Any) -> Watermark:
    """A text on stella's stream, unless it is said otherwise."""
    settings = said if "kind" in said else {"kind": "text", "text": "live", **said}
    return services.create_watermark(target=target or cast.stream, said=settings, by=STAFF, now=clock.now())
