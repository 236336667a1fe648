"""`Idempotency-Key`: a POST that creates or pays happens once, however often it is sent (surface.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from liveroom.kernel.errors import BadParameter, Conflict
from liveroom.kernel.models import KeptAnswer


def once(
    *, scope: str, key: str | None, body: bytes, now: datetime, act: Callable[[], tuple[int, Any]]
) -> tuple[int, Any]:
    """Run `act` in one transaction with its kept answer, or repeat the answer of the first time.

    `scope` names actor and path. The same key with another body: Conflict (409). A refused act keeps nothing, so it may be
    tried again with the same key."""
    if key is None:
        with transaction.atomic():
            return act()
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise BadParameter("Idempotency-Key must be 1 to 200 printable characters.", field="Idempotency-Key")
    digest = hashlib.sha256(body).hexdigest()
    try:
        with transaction.atomic():
            kept = KeptAnswer.objects.create(scope=scope, key=key, body_sha256=digest, created_at=now)
            kept.status, kept.body = act()
            kept.save(update_fields=["status", "body"])
            return kept.status, kept.body
    except IntegrityError:
        first = KeptAnswer.objects.filter(scope=scope, key=key).first()
        if first is None:  # the violation was the act's own
            raise
    if first.body_sha256 != digest:
        raise Conflict("This Idempotency-Key was used with another body; take a new key for a new request.")
    if first.status is None:
        raise Conflict("The first request with this Idempotency-Key is still running; repeat it in a moment.")
    return first.status, first.body
