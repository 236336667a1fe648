"""Facts: what happened, stated once by the floor that made it so, and handled by the floors above it.

A handler says itself what it handles: `@handles(StatusChanged)` above a function, so that "find references" on the fact finds it. It
runs inside the transaction that stated the fact and fails with it. With `after_commit=True` it runs after the commit; one that fails
then is logged and stops nobody else, so nothing that money, bans or status depend on may be among those.

The order of the handlers of one fact: as their modules stand in `wiring.FACT_HANDLERS`, inside one module as in the file; those with
`last=True` after all the others. `manage.py facts` prints the whole table."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeVar

from django.db import transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fact:
    """Base of every fact: frozen, past tense, complete enough that no handler must ask the database what it meant."""


F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One handler of one fact, and when it runs."""

    kind: type[Fact]
    handler: Callable[[Any], None]
    after_commit: bool = False
    last: bool = False

    @property
    def name(self) -> str:
        """Module and function, as the log and `manage.py facts` show it."""
        return f"{self.handler.__module__}.{getattr(self.handler, '__qualname__', self.handler)}"


@dataclass(slots=True)
class _Table:
    """`registered`: in the order of imports, which means nothing. `rows`: in their order, once the roof has said it; None until then."""

    registered: list[Subscription] = field(default_factory=list)
    rows: Mapping[type[Fact], Sequence[Subscription]] | None = None


_table = _Table()


class UnknownFact(Exception):
    """A fact that nobody handles: it need not be stated."""


class UnlistedModule(Exception):
    """A module has handlers and does not stand in `wiring.FACT_HANDLERS`: whether they ever ran would depend on who imports it."""


def handles(
    kind: type[F], *, after_commit: bool = False, last: bool = False
) -> Callable[[Callable[[F], None]], Callable[[F], None]]:
    """Subscribe the function below to facts of that kind. It stays an ordinary function."""

    def subscribe(handler: Callable[[F], None]) -> Callable[[F], None]:
        if _table.rows is not None:
            raise UnlistedModule(handler.__module__)
        _table.registered.append(Subscription(kind=kind, handler=handler, after_commit=after_commit, last=last))
        return handler

    return subscribe


def install(modules: Sequence[ModuleType]) -> None:
    """Called once by the roof when Django is ready; `modules`: all that have handlers, in their order."""
    _table.rows = in_order(_table.registered, [module.__name__ for module in modules])


def in_order(
    subscriptions: Iterable[Subscription], modules: Sequence[str]
) -> dict[type[Fact], tuple[Subscription, ...]]:
    """The table: for each kind of fact its handlers, first those of the transaction, then those after the commit. UnlistedModule."""
    places = {name: place for place, name in enumerate(modules)}
    found: dict[type[Fact], list[Subscription]] = {}
    for subscription in subscriptions:
        if subscription.handler.__module__ not in places:
            raise UnlistedModule(subscription.handler.__module__)
        found.setdefault(subscription.kind, []).append(subscription)
    return {
        # Sorting is stable: what is equal here stays as in its file.
        kind: tuple(sorted(row, key=lambda one: (one.after_commit, one.last, places[one.handler.__module__])))
        for kind, row in found.items()
    }


def table() -> Mapping[type[Fact], Sequence[Subscription]]:
    """For each kind of fact its handlers, in the order in which they run."""
    return _table.rows or {}


def every_fact() -> set[type[Fact]]:
    """All classes of facts that exist, for the test that demands a handler for each. One that others derive from is a shape only."""
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
    """Tell every handler of the fact. Must be called inside a transaction; what is not `after_commit` belongs to it."""
    subscriptions = table().get(type(fact))
    if not subscriptions:
        raise UnknownFact(type(fact).__name__)
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(f"{type(fact).__name__} was stated outside a transaction.")
    for subscription in subscriptions:
        if subscription.after_commit:
            transaction.on_commit(lambda subscription=subscription: _handle(subscription, fact))  # type: ignore[misc]
        else:
            subscription.handler(fact)


def _handle(subscription: Subscription, fact: Fact) -> None:
    try:
        subscription.handler(fact)
    except Exception:
        log.exception("%s failed for %s", subscription.name, type(fact).__name__)
