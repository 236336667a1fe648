"""What happens to people and apps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, slots=True)
class AppChanged(Fact):
    """Settings of an app are others now: `changed` names the fields."""

    app_id: int
    sdkappid: int
    at: datetime
    changed: tuple[str, ...]
