"""A row by the number that people read out, as a path or a body names it."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet

from liveroom.kernel.values import ids

M = TypeVar("M", bound=Model)


def numbered(rows: QuerySet[M], *, app_id: int | None, number: str) -> M | None:
    """None: there is none, or it is another app's, which is unknown (P1). `app_id` None: of any app (staff)."""
    if not ids.may_be_number(number):
        return None
    found = rows.filter(number=number)
    return (found if app_id is None else found.filter(app_id=app_id)).first()
