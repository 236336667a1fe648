"""Pages for what viewers feel: a module per subject."""

from interactions.admin import archive, standing

__all__ = ["archive", "standing"]
