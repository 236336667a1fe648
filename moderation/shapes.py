"""What a mute and a ban are said by: REST and the console check both by these shapes."""

from __future__ import annotations

from typing import Any, Final

from liveroom.accounts.fields import UserIdField
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.fields import ReasonField, Shape, WholeNumberField
from moderation.rules.verdict import FOR_EVER_SECONDS, seconds_fault

_LONGEST: Final = f"From now on, at most {FOR_EVER_SECONDS}; that or null: until lifted."


class SecondsField(WholeNumberField):
    """How long a mute or ban lasts; null: until it is lifted. `zero`: 0 stands for lifting."""

    def __init__(self, *, zero: bool = False, **options: Any) -> None:
        self.zero = zero
        super().__init__(0 if zero else 1, FOR_EVER_SECONDS, null_means="until it is lifted", **options)

    def to_internal_value(self, data: Any) -> int:
        fault = seconds_fault(data, zero=self.zero)
        if fault is not None:
            raise BadParameter(fault, field="seconds", limit=FOR_EVER_SECONDS)
        return int(data)


class BanWriteSerializer(Shape):
    user = UserIdField()
    seconds = SecondsField(default=None, help_text=f"{_LONGEST} Left out: null.")
    reason = ReasonField()


class MuteWriteSerializer(BanWriteSerializer):
    seconds = SecondsField(zero=True, help_text=f"{_LONGEST} 0 lifts.")
