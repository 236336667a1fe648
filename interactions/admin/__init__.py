"""Pages for what viewers feel: a module per subject."""

from interactions.admin import archive, draws, standing

__all__ = ["archive", "draws", "standing"]
