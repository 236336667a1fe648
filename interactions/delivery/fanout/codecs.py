"""How a room's events are written to a viewer: once for all viewers of one codec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from interactions.delivery import frames
from interactions.delivery.fanout import deflate


class Codec(Protocol):
    """Bytes that are final. Viewers of one codec share them, so it is one object of the process."""

    @property
    def alone(self) -> Codec:
        """The codec for what a single viewer is written."""

    def frame(self, *, room: str, epoch: str, events: Sequence[bytes]) -> bytes:
        """`events`: JSON, in their order. `room`: as it is called on the wire."""


class _Text:
    """A WebSocket text frame with one `batch`."""

    @property
    def alone(self) -> Codec:
        return self

    def frame(self, *, room: str, epoch: str, events: Sequence[bytes]) -> bytes:
        return frames.text_frame(frames.batch(room=room, epoch=epoch, events=events))


class _Deflated:
    """The same, compressed. For one viewer that costs more than it saves."""

    @property
    def alone(self) -> Codec:
        return TEXT

    def frame(self, *, room: str, epoch: str, events: Sequence[bytes]) -> bytes:
        return deflate.deflated_frame(frames.batch(room=room, epoch=epoch, events=events))


TEXT: Final = _Text()
DEFLATED: Final = _Deflated()
