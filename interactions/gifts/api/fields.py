"""Fields of gifts and payments: each is one rule of the services, which asks it of every other way in as well."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, ClassVar, Final

from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers

from interactions.gifts.services import buying, demo_wallet, providers
from liveroom.kernel.errors import BadParameter

_CURSOR: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


def idempotency_key(*, of: str, so: str) -> OpenApiParameter:
    """The header, as OpenAPI shows it. `of`: what it names; `so`: what the same key again does."""
    return OpenApiParameter(
        "Idempotency-Key", str, OpenApiParameter.HEADER, required=True,
        description=f"1 to 200 printable characters. New for each {of}, the same when it is retried: {so}.",
    )  # fmt: skip


class GiftIdField(serializers.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=buying.GIFT_CHARACTERS, help_text="Its id, from `GET /gifts`.", **options)

    def run_validation(self, data: Any = serializers.empty) -> str:
        return buying.checked_gift(data)


class GiftCountField(serializers.IntegerField):
    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=buying.MOST_AT_ONCE, help_text="How many at once.", **options)

    def run_validation(self, data: Any = serializers.empty) -> int:
        return buying.checked_count(data)


class AmountField(serializers.IntegerField):
    def run_validation(self, data: Any = serializers.empty) -> int:
        return providers.checked_amount(data)


class DemoAmountField(serializers.IntegerField):
    """Left out: as much as there is."""

    most: ClassVar[int] = demo_wallet.MOST

    def run_validation(self, data: Any = serializers.empty) -> int:
        return self.most if data is serializers.empty else demo_wallet.checked_amount(data)


class ReferenceField(serializers.CharField):
    """Left out or null: the payment has no name."""

    def run_validation(self, data: Any = serializers.empty) -> str | None:
        return None if data in (None, serializers.empty) else providers.checked_reference(data)


@extend_schema_field(str)
class CursorField(serializers.Field):
    """Where a page of entries begins, as `written` made it."""

    def to_internal_value(self, data: Any) -> int:
        try:
            said = base64.b64decode(data, altchars=b"-_", validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            said = ""
        if not _CURSOR.fullmatch(said):
            raise BadParameter("cursor is taken from `next` of an answer.", field="cursor")
        return int(said)

    @staticmethod
    def written(place: int) -> str:
        return base64.urlsafe_b64encode(str(place).encode()).decode()
