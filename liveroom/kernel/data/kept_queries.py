"""Queries of the ORM that are compiled once.

To turn a queryset into SQL takes Django half a millisecond, ten times as long as SQLite takes to answer it. Where every request
asks the same, only the values differ:

    _BY_ID = KeptQuery(lambda *, app_id, group_id: ROOMS.filter(app_id=app_id, group_id=group_id), app_id=int, group_id=str)
    room = _BY_ID.first(app_id=1, group_id="r1")

The queryset stays the truth of what is asked; the instances are those that it would give, `select_related` included. On PostgreSQL the
statement is prepared, too (kernel/data/sql.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.query import get_related_populators  # type: ignore[attr-defined]

from liveroom.kernel.data.sql import asked

M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """`slots`: by place of a parameter, the name of the value that belongs there, or None for one that is always the same."""

    sql: str
    params: tuple[Any, ...]
    slots: tuple[str | None, ...]
    compiler: Any
    converters: Any
    start: int
    end: int
    names: Sequence[str]
    populators: Sequence[Any]


class KeptQuery(Generic[M]):
    """`make` gives the queryset for values; `kinds` says of each value whether it is an int or a str. Which part of the statement is
    there must not depend on them: no None, no lists."""

    def __init__(self, make: Callable[..., models.QuerySet[M]], **kinds: type[int] | type[str]) -> None:
        self._make = make
        self._kinds = kinds
        self._compiled: dict[str, _Compiled] = {}

    def first(self, **values: int | str) -> M | None:
        """The first in the order of the queryset, which has to have one or at most one row."""
        found = self.all(**values)
        return found[0] if found else None

    def all(self, **values: int | str) -> list[M]:
        vendor = connections[DEFAULT_DB_ALIAS].vendor
        # Two threads may compile the same at once: no harm.
        kept = self._compiled.get(vendor) or self._compiled.setdefault(vendor, self._compile())
        params = [values[slot] if slot else value for slot, value in zip(kept.slots, kept.params, strict=True)]
        rows: Any = asked(kept.sql, params)
        if kept.converters:
            rows = kept.compiler.apply_converters(rows, kept.converters)
        return [self._instance(kept, row) for row in rows]

    def _instance(self, kept: _Compiled, row: Sequence[Any]) -> M:
        model: type[M] = kept.compiler.klass_info["model"]
        made = model.from_db(DEFAULT_DB_ALIAS, kept.names, row[kept.start : kept.end])
        for populator in kept.populators:
            populator.populate(row, made)
        return made

    def _compile(self) -> _Compiled:
        # Numbers that fit into every column, texts that nothing else is called.
        samples: dict[str, Any] = {
            name: f"kept query: {name}" if kind is str else 2_000_000_000 + place
            for place, (name, kind) in enumerate(self._kinds.items())
        }
        connection: Any = connections[DEFAULT_DB_ALIAS]
        queryset = self._make(**samples)
        compiler = queryset.query.get_compiler(using=DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        names = {sample: name for name, sample in samples.items()}
        slots = tuple(names.get(param) if isinstance(param, int | str) else None for param in params)
        if set(slots) - {None} != set(samples) or compiler.annotation_col_map or queryset.query.is_empty():
            raise TypeError(f"Not every value of {sorted(samples)} stands in the statement as it is: {sql}")
        info = compiler.klass_info
        start, end = info["select_fields"][0], info["select_fields"][-1] + 1
        columns = [column for column, _, _ in compiler.select]
        return _Compiled(
            sql=sql,
            params=tuple(params),
            slots=slots,
            compiler=compiler,
            converters=compiler.get_converters(columns),
            start=start,
            end=end,
            names=[column.target.attname for column in columns[start:end]],
            populators=get_related_populators(info, compiler.select, connection.alias),  # type: ignore[call-arg]
        )
