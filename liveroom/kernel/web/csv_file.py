"""Tables as CSV files: streamed in parts, and harmless to whoever opens them in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse

# What a spreadsheet takes for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: object) -> object:
    """Numbers as they are, instants in ISO 8601; a text that a spreadsheet would run gets a quote in front."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if value is None:
        return ""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return value


def lines(rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def csv_response(
    *, name: str, header: Sequence[str], parts: Iterator[Sequence[Sequence[Any]]]
) -> StreamingHttpResponse:
    """`parts` yields rows by the hundreds, each part with its own query: memory holds one part, however long the table is.

    `name` is ours and safe in a header."""

    def body() -> Iterator[str]:
        yield lines([header])
        for part in parts:
            yield lines(part)

    answer = StreamingHttpResponse(body(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer
