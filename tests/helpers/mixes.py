"""Mixes as tests make them."""

from __future__ import annotations

from typing import Any

from liveroom.kernel import clock
from streams.mixes import services
from streams.mixes.models import Mix
from tests.helpers.people import STAFF, Cast

WHOLE = [{"x": 0, "y": 0, "width": 100, "height": 100}]


def made_mix(cast: Cast, **said: Any) -> Mix:
    """Of stella's stream alone, unless it is said otherwise."""
    wish: dict[str, Any] = {"inputs": [{"stream": cast.stream.name}], "layout": WHOLE, "programme": False, **said}
    return services.create_mix(room=wish.pop("room", cast.room), by=STAFF, now=clock.now(), **wish)
