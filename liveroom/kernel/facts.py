"""Facts: what happened, stated once by the floor that made it so; who listens stands in `liveroom/wiring.py`.

`durable` handlers run inside the transaction that stated the fact and fail with it. The others run after the commit; one that
fails is logged and stops nobody else, so nothing that money, bans or status depend on may be among them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

log = logging.getLogger(__name__)

Handler = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Fact:
    """Base of every fact: frozen, past tense, complete enough that no handler must ask the database what it meant."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: who hears of a fact, and when."""

    durable: Sequence[Handler] = ()
    after: Sequence[Handler] = ()


@dataclass(slots=True)
class _Table:
    rows: Mapping[type[Fact], Row] = field(default_factory=dict)


_table = _Table()


class UnknownFact(Exception):
    """A fact without a row: wiring.py must say who hears of it, even if nobody does."""


def install(rows: Mapping[type[Fact], Row]) -> None:
    """Called once by the roof when Django is ready."""
    _table.rows = rows


def every_fact() -> set[type[Fact]]:
    """All classes of facts that exist, for the test that demands a row for each. One that others derive from is a shape only."""
    found: set[type[Fact]] = set()
    queue = list(Fact.__subclasses__())
    while queue:
        kind = queue.pop()
        queue.extend(kind.__subclasses__())
        # `slots=True` makes a second class; the first one lingers, but no module knows it.
        known = getattr(sys.modules[kind.__module__], kind.__name__, None) is kind
        if known and not kind.__subclasses__():
            found.add(kind)
    return found


def state(fact: Fact) -> None:
    """Tell everyone in the fact's row. Must be called inside a transaction; what is durable belongs to it."""
    row = _table.rows.get(type(fact))
    if row is None:
        raise UnknownFact(type(fact).__name__)
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(f"{type(fact).__name__} was stated outside a transaction.")
    for handler in row.durable:
        handler(fact)
    for handler in row.after:
        transaction.on_commit(lambda handler=handler: _tell(handler, fact))  # type: ignore[misc]


def _tell(handler: Handler, fact: Fact) -> None:
    try:
        handler(fact)
    except Exception:
        log.exception("%s failed for %s", getattr(handler, "__qualname__", handler), type(fact).__name__)
