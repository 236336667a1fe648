"""The statements of one purchase, caught as the service sends them, and sent again by psycopg alone.

What differs between two purchases is found by comparing two that were caught: ids of the people and wallets, ids that an earlier
statement returned, instants, and names that must be new each time. So the bare side follows whatever the service becomes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import connection

World = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sent:
    """`params` as Django gave them to the driver; `atomic`: inside the transaction."""

    sql: str
    params: tuple[Any, ...]
    atomic: bool


# What a parameter is made of: the world of the purchase, and what was returned so far.
Maker = Callable[[World, Sequence[int | None]], Any]


@dataclass(frozen=True, slots=True)
class Step:
    sql: str
    makers: tuple[Maker, ...]
    atomic: bool
    answers: bool


class Unlike(Exception):
    """Two purchases sent different statements."""


def caught(buys: Callable[[], object]) -> list[Sent]:
    """Every statement of one call."""
    found: list[Sent] = []

    def around(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        found.append(Sent(sql=sql, params=tuple(params or ()), atomic=connection.in_atomic_block))
        return result

    with connection.execute_wrapper(around):
        buys()
    return found


def steps(first: Sequence[Sent], second: Sequence[Sent], *, worlds: tuple[World, World]) -> list[Step]:
    """`worlds`: name -> id of what took part in the one and in the other purchase; `returned 0` …: the ids that INSERTs brought, in
    their order."""
    if [one.sql for one in first] != [one.sql for one in second]:
        raise Unlike("Two purchases of one kind sent different statements; warm up first.")
    made: list[Step] = []
    for one, two in zip(first, second, strict=True):
        makers = tuple(_maker(a, b, worlds) for a, b in zip(one.params, two.params, strict=True))
        answers = one.sql.lstrip().startswith("SELECT") or "RETURNING" in one.sql
        made.append(Step(sql=one.sql, makers=makers, atomic=one.atomic, answers=answers))
    return made


def _maker(one: Any, two: Any, worlds: tuple[World, World]) -> Maker:
    if one == two:
        return lambda world, returned: one
    if isinstance(one, datetime):
        return lambda world, returned: datetime.now(UTC)
    if isinstance(one, int):
        names = [name for name, value in worlds[0].items() if (value, worlds[1][name]) == (one, two)]
        if len(names) != 1:
            raise Unlike(f"{one} and {two} are the ids of {names or 'nobody'}")
        (name,) = names
        if name.startswith("returned "):
            place = int(name.split()[1])
            return lambda world, returned: returned[place]
        return lambda world, returned: world[name]
    if isinstance(one, str) and len(one) < 64 and not one.startswith("{"):
        head, length = _common(one, two), len(one)
        return lambda world, returned: head + secrets.token_hex(length)[: length - len(head)]
    # A receipt, a digest: as long as another.
    return lambda world, returned: one


def _common(one: str, two: str) -> str:
    """Up to where a name says what it is: `gift:`."""
    head = one.partition(":")[0] + ":" if ":" in one else ""
    return head if two.startswith(head) else ""


def send(line: psycopg.Connection[Any], purchase: Sequence[Step], world: World) -> None:
    """One purchase: what stood outside of the transaction first. `line` commits by itself, as Django's does."""
    returned: list[int | None] = []
    with line.cursor() as cursor:
        for step in purchase:
            if not step.atomic:
                _send(cursor, step, world, returned)
        with line.transaction():
            for step in purchase:
                if step.atomic:
                    _send(cursor, step, world, returned)


def _send(cursor: psycopg.Cursor[Any], step: Step, world: World, returned: list[int | None]) -> None:
    cursor.execute(step.sql, [maker(world, returned) for maker in step.makers])
    if step.answers:
        rows = cursor.fetchall()
        if "RETURNING" in step.sql:
            returned.append(rows[0][0])
