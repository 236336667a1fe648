"""What stays of what was said."""

from interactions.models.archive import ArchivedMessage

__all__ = ["ArchivedMessage"]
