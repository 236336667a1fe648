"""The shape of a new draw: bodies over REST and the console's form are checked by it, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_serializer

from interactions.draws.models import MOST_WINNERS
from interactions.draws.rules import (
    HIGHEST_LEVEL,
    KEYWORD_BYTES,
    LONGEST_SECONDS,
    PRIZE_BYTES,
    SHORTEST_SECONDS,
    Conditions,
)
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.fields import InstantField, LineField, Shape, WholeNumberField, YesNoField


@extend_schema_serializer(component_name="Conditions")
class ConditionsWriteSerializer(Shape):
    """What an entrant has to be; what is left out is not asked for."""

    min_level = WholeNumberField(0, HIGHEST_LEVEL, default=0)
    follower = YesNoField(default=False, help_text="Follows the room's owner.")
    gift = YesNoField(default=False, help_text="Gave a gift in this show.")
    member = YesNoField(default=False, help_text="Is a member of the app.")

    def to_internal_value(self, data: Any) -> Conditions:
        """A refusal names `conditions`, or the number that is wrong in it."""
        unknown = [name for name in data if name not in self.fields] if isinstance(data, Mapping) else []
        if unknown:
            raise BadParameter(
                f"A draw knows no condition {str(unknown[0])[:40]!r}; it knows min_level, follower, gift and member.",
                field="conditions",
            )
        try:
            return Conditions(**super().to_internal_value(data))
        except BadParameter as refusal:
            place = "conditions.min_level" if refusal.extra["field"] == "min_level" else "conditions"
            about = {**refusal.extra, "field": place}
            raise BadParameter(f"conditions.{refusal.message}", **about) from None


class DrawWriteSerializer(Shape):
    unknown = "A draw has no field {name}."

    keyword = LineField(
        limit_bytes=KEYWORD_BYTES, filled=True,
        help_text=f"At most {KEYWORD_BYTES} bytes; who says it, alone or as a word of its own, enters.",
    )  # fmt: skip
    prize = LineField(limit_bytes=PRIZE_BYTES, filled=True)
    winners = WholeNumberField(1, MOST_WINNERS)
    seconds = WholeNumberField(
        SHORTEST_SECONDS, LONGEST_SECONDS, null_means="until `closes_at`", default=None,
        help_text=f"For how long: {SHORTEST_SECONDS} to {LONGEST_SECONDS:,}. Or `closes_at`.",
    )  # fmt: skip
    opens_at = InstantField(or_ms=True, default=None, allow_null=True, help_text="Left out: now. Within 90 days.")
    closes_at = InstantField(or_ms=True, default=None, allow_null=True)
    conditions = ConditionsWriteSerializer(default=None, allow_null=True)
