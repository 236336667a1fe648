"""Fields that know what a user is."""

from __future__ import annotations

from typing import Any

from liveroom.accounts.rules.usersig import MAX_IDENTIFIER_BYTES
from liveroom.accounts.services.tokens import checked_identifier
from liveroom.kernel.web.fields import WordField, name_of


class UserIdField(WordField):
    """A user id that a UserSig can carry; whether there is such a user is another question."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", f"User id, 1 to {MAX_IDENTIFIER_BYTES} bytes.")
        super().__init__(filled=True, max_length=MAX_IDENTIFIER_BYTES, **options)

    def to_internal_value(self, data: Any) -> str:
        return checked_identifier(data, field=name_of(self))
