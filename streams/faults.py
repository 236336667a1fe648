"""A fault in JSON from outside, as every other refusal of a field."""

from __future__ import annotations

from liveroom.kernel.errors import BadParameter
from streams.rules.struct_faults import Fault


def refusal_of(fault: Fault) -> BadParameter:
    about = {"limit": fault.limit, "given": fault.given if isinstance(fault.given, int | float | str) else None}
    known = {name: value for name, value in about.items() if value is not None}
    return BadParameter(fault.text, field=fault.place, **known)
