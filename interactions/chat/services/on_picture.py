"""Comments of a room onto the picture of its mixes (`streams/mixes`), where they become rows: only what viewers have seen, at most half
a second after it is archived.

Promise: what was refused, held or sampled never comes here; what is older than `FRESH` is not shown any more (an archive that was
behind); nothing that goes wrong here keeps the archive. It costs a query per batch with comments."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, Literal, cast

from django.db import DatabaseError, transaction

from interactions.chat import rules
from interactions.chat.services.archive import with_archived_rows
from interactions.models import ArchivedMessage
from liveroom.kernel import clock
from streams.media.compositor.wires import Bullet
from streams.mixes import sending

log = logging.getLogger(__name__)

FRESH: Final = timedelta(seconds=5)
# Of one comment: what runs over a picture is read in a moment.
LETTERS: Final = 120


@with_archived_rows
def onto_pictures(rows: Sequence[ArchivedMessage]) -> None:
    """Sent once the rows are committed."""
    said: dict[int, list[Bullet]] = defaultdict(list)
    since = clock.now() - FRESH
    for row in rows:
        if row.type == "comment" and row.seq is not None and row.text.strip() and row.at >= since:
            said[row.room_id].append(_bullet(row))
    if said:
        transaction.on_commit(lambda: _say(said))


def _say(said: dict[int, list[Bullet]]) -> None:
    try:
        sending.say(said)
    except DatabaseError as error:
        log.warning("Comments of %d rooms did not reach their mixes: %s", len(said), error)


def _bullet(row: ArchivedMessage) -> Bullet:
    body: dict[str, Any] = row.body
    color, position, speaker = body.get("color"), body.get("position"), body.get("from")
    nick = speaker.get("nick") if isinstance(speaker, dict) else None
    return Bullet(
        text=" ".join(row.text.split())[:LETTERS],
        nick=nick[:40] if isinstance(nick, str) else "",
        color=color.lower() if isinstance(color, str) and rules.is_color(color) else "#ffffff",
        position=cast(Literal["scroll", "top", "bottom"], position if position in rules.POSITIONS else "scroll"),
    )
