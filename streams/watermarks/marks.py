"""Numbers of invisible marks: one for each thing that a picture is made for, the same again for the same."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from liveroom.accounts.models import App
from streams.watermarks.models import Mark

# Of 2^32 numbers; a second one that is taken, too, is a fault of the source of chance.
_TRIES = 5


def mark_for(
    *, app: App, purpose: str, reference: str, now: datetime, stream: str = "", room: str = "", target: str = ""
) -> Mark:
    """`reference`: within the app, such as viewers:12. What it says in words is kept as it was when it was made."""
    for _ in range(_TRIES):
        there = Mark.objects.filter(app=app, reference=reference).first()
        if there is not None:
            return there
        try:
            with transaction.atomic():
                return Mark.objects.create(
                    app=app, purpose=purpose, reference=reference, stream=stream, room=room, target=target[:300],
                    made_at=now,
                )  # fmt: skip
        except IntegrityError:
            continue
    raise RuntimeError("No free number for an invisible mark was found.")
