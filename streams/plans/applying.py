"""How a feature acts on plans: one function per kind, told what holds for a publish whenever that may have changed.

    @applies("record")
    def record_by_plan(*, stream: Stream, template: Template | None, publish: Publish, now: datetime) -> None: ...

It is called when a publish begins (`StreamPublished`, inside its transaction) and for every open publish after a change of templates or
rules. `template` None: no rule wants it, or none any more; what rules started is to end, what somebody started by hand is not. It must
bear being called again with the same, be quick (rows, no network), and not refuse: one that raises stops no publish and is called again
a bounded number of times. Its module stands in `streams/jobs/register.py`, so that it is imported in every process."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from django.db import transaction

from streams.models.streams import Publish, Stream
from streams.plans.models import Template
from streams.plans.settings import KINDS

log = logging.getLogger(__name__)


class Applier(Protocol):
    def __call__(self, *, stream: Stream, template: Template | None, publish: Publish, now: datetime) -> None: ...


A = TypeVar("A", bound=Applier)
_appliers: dict[str, list[Applier]] = {}


def applies(kind: str) -> Callable[[A], A]:
    """Declares the function below as one that acts on plans of that kind."""
    if kind not in KINDS:
        raise ValueError(f"There is no kind {kind!r} of plans.")

    def declare(function: A) -> A:
        _appliers.setdefault(kind, []).append(function)
        return function

    return declare


def applied_kinds() -> list[str]:
    """Those that somebody acts on."""
    return [kind for kind in KINDS if kind in _appliers]


def apply(*, kind: str, publish: Publish, template: Template | None, now: datetime) -> bool:
    """Tell everybody who acts on that kind. Whether all could; who could not has changed nothing."""
    done = True
    for function in _appliers.get(kind, ()):
        try:
            with transaction.atomic():
                function(stream=publish.stream, template=template, publish=publish, now=now)
        except Exception:
            log.exception("A plan of kind %s was not applied to %s.", kind, publish.stream)
            done = False
    return done
