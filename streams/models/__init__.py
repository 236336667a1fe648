"""Streams, their publishes, and why somebody was not let in."""

from streams.models.streams import Publish, PushRefusal, Stream

__all__ = ["Publish", "PushRefusal", "Stream"]
