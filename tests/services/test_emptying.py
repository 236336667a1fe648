"""What `helpers/emptying.py` leaves after a test that commits: nothing of the test, and everything that `migrate` made."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import DatabaseError

from interactions.models import LedgerEntry
from tests.helpers.emptying import KEPT
from tests.helpers.money import fill
from tests.helpers.people import make_cast


def filled() -> set[str]:
    return {model._meta.db_table for model in apps.get_models() if model._default_manager.exists()}


def test_nothing_of_a_test_is_left_and_the_ledger_still_refuses(transactional_db: None) -> None:
    made = [set(model.objects.values_list("pk", flat=True)) for model in (ContentType, Permission)]
    assert all(made)
    for _ in range(2):
        assert filled() == set(KEPT)
        fill(make_cast().mia, 500)
        assert filled() > {*KEPT, "accounts_person", "interactions_ledgerentry"}
        with pytest.raises(DatabaseError, match="never changed or deleted"):
            LedgerEntry.objects.all().delete()
        call_command("flush", verbosity=0, interactive=False)
    assert filled() == set(KEPT)
    assert [set(model.objects.values_list("pk", flat=True)) for model in (ContentType, Permission)] == made
