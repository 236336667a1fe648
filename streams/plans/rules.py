"""Which of several rules holds for a stream: the most specific one, unless a wider one is final."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

APP, DOMAIN, STREAM = "app", "domain", "stream"
# From the widest to the most specific (contracts/css.md section 4: "rules match the most specific first").
SCOPES: Final = (APP, DOMAIN, STREAM)


class Ruling(Protocol):
    """A rule as far as it matters here. `final`: no more specific rule outranks it."""

    @property
    def scope(self) -> str: ...

    @property
    def final(self) -> bool: ...


R = TypeVar("R", bound=Ruling)


def decisive(rules: Iterable[R]) -> R | None:
    """The one that holds, of the rules of one kind that concern one stream: at most one of each scope. None: there is none."""
    found: R | None = None
    for rule in sorted(rules, key=lambda one: SCOPES.index(one.scope)):
        found = rule
        if rule.final:
            break
    return found
