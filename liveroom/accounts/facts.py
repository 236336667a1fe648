"""What happens to people and apps."""

from __future__ import annotations

from dataclasses import dataclass

from liveroom.kernel.facts import Fact


@dataclass(frozen=True, slots=True)
class ProfileChanged(Fact):
    """A person changed how it is shown: `changed` names the fields."""

    person_id: int
    sdkappid: int
    identifier: str
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokensRevoked(Fact):
    """Every UserSig of the person made until now is worthless."""

    person_id: int
    sdkappid: int
    identifier: str
