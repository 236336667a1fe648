"""Relays as tests make them."""

from __future__ import annotations

from typing import Any

from liveroom.kernel import clock
from streams.relays import services
from streams.relays.models import Relay
from tests.helpers.people import STAFF, Cast


def made_relay(cast: Cast, key: str = "secret-key", **said: Any) -> Relay:
    """Stella's stream to another platform, unless it is said otherwise."""
    wish: dict[str, Any] = {"kind": "push", "target": f"rtmp://live.example.com/app/{key}", **said}
    return services.create_relay(stream=wish.pop("stream", cast.stream), by=STAFF, now=clock.now(), **wish)
