"""The refusal of an address, in words for whoever typed it."""

from __future__ import annotations


class AddressRefused(ValueError):
    """The text says what was given, as far as it may be shown, why it is refused, and what would do."""
