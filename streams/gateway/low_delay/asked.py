"""What a player of LL-HLS asks of a playlist: wait until it has this part, and leave out what I know. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from liveroom.kernel.errors import BadParameter

MSN, PART, SKIP = "_HLS_msn", "_HLS_part", "_HLS_skip"
_NUMBER: Final = re.compile(r"[0-9]{1,15}\Z")


@dataclass(frozen=True, slots=True)
class Asked:
    """`msn`: wait for this segment, or for this `part` of it; None: do not wait. `skip`: a delta playlist will do."""

    msn: int | None = None
    part: int | None = None
    skip: bool = False


def asked_of(query: Mapping[str, Sequence[str]]) -> Asked:
    """BadParameter: what is no number, comes twice, or is a part of nothing."""
    msn, part, skip = _one(query, MSN), _one(query, PART), _one(query, SKIP)
    if skip not in (None, "YES", "v2"):
        raise BadParameter(f"{SKIP} is YES or v2, not {_shown(skip)}.", field=SKIP)
    if part is not None and msn is None:
        raise BadParameter(f"{PART} is a part of a segment: {MSN} has to name it.", field=MSN)
    return Asked(msn=_number(msn, MSN), part=_number(part, PART), skip=skip is not None)


def _one(query: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = query.get(name, ())
    if len(values) > 1:
        raise BadParameter(f"The address names {name} twice.", field=name)
    return values[0] if values else None


def _number(value: str | None, name: str) -> int | None:
    if value is None:
        return None
    if not _NUMBER.match(value):
        raise BadParameter(f"{name} is a number from 0 on of at most 15 digits, not {_shown(value)}.", field=name)
    return int(value)


def _shown(value: str | None) -> str:
    return repr((value or "")[:40])
