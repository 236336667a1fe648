"""Delivery knows no table of the database: of Django it takes settings, transactions and what a database that is away raises."""

from __future__ import annotations

import ast
from pathlib import Path

from interactions import delivery

FOLDER = Path(delivery.__file__).parent
ALLOWED = {"django.conf.settings", "django.db.DatabaseError", "django.db.transaction"}


def test_delivery_takes_no_model_of_django() -> None:
    """What it takes of this project is the business of the import contracts, which cannot look into a package of others."""
    taken = set()
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "django":
                taken |= {f"{node.module}.{name.name}" for name in node.names}
            elif isinstance(node, ast.Import):
                taken |= {name.name for name in node.names if name.name.partition(".")[0] == "django"}
    assert taken == ALLOWED
