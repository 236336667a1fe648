"""Pages for what viewers feel: each feature has its own; Django finds them here."""

from interactions.chat import admin as chat
from interactions.draws import admin as draws
from interactions.gifts.admin import catalog, orders, wallets
from interactions.people import admin as people
from interactions.polls import admin as polls

__all__ = ["catalog", "chat", "draws", "orders", "people", "polls", "wallets"]
