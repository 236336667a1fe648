"""Pages for what viewers feel: a module per subject."""

from interactions.admin import archive, catalog, draws, orders, polls, standing, wallets

__all__ = ["archive", "catalog", "draws", "orders", "polls", "standing", "wallets"]
