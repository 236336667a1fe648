"""The whole table of facts: what is stated, and who handles it, in which order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from liveroom.kernel import facts


class Command(BaseCommand):
    help = "Print every fact with its handlers, in the order in which they run."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        lines = [("FACT", "MODULE", "HANDLED", "HANDLER"), *_lines()]
        widths = [max(len(line[column]) for line in lines) for column in range(3)]
        for line in lines:
            cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
            self.stdout.write("  ".join([*cells, line[3]]).rstrip())


def _lines() -> Iterator[tuple[str, str, str, str]]:
    """One per handler; a fact is named in its first only."""
    for kind in sorted(facts.table(), key=lambda kind: (kind.__module__, kind.__name__)):
        named = (kind.__name__, kind.__module__)
        for subscription in facts.table()[kind]:
            when = "after commit" if subscription.after_commit else "in transaction"
            yield (*named, f"{when}, last" if subscription.last else when, subscription.name)
            named = ("", "")
