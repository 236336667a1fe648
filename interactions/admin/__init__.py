"""Pages for what viewers feel: a module per subject."""

from interactions.admin import archive

__all__ = ["archive"]
