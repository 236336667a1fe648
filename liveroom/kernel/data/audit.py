"""One line per act that somebody may one day ask about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from liveroom.kernel.models import AuditEntry
from liveroom.kernel.permission import Actor


def record(
    *,
    action: str,
    actor: Actor,
    now: datetime,
    room_key: str = "",
    target: str = "",
    reason: str = "",
    address: str = "",
    detail: dict[str, Any] | None = None,
) -> AuditEntry:
    """Call it inside the transaction of the act. `detail` must hold no secret."""
    return AuditEntry.objects.create(
        at=now, action=action, actor=f"{actor.kind}:{actor}"[:120], room_key=room_key, target=target[:200],
        reason=reason[:300], address=address, detail=detail or {},
    )  # fmt: skip
