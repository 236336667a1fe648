"""What an encoder says when it pushes, as the engine passes it on."""

from __future__ import annotations

from datetime import datetime, timedelta

from liveroom.accounts.models import Domain
from streams.engines import Hook
from streams.models import Stream
from streams.rules import url_signing


def push_params(stream: Stream, *, until: datetime, key: str | None = None) -> dict[str, str]:
    """The query of a stream key that is good until then; `key` other than the domain's master key on demand."""
    if key is None:
        key = Domain.objects.filter(app=stream.room.app, kind=Domain.PUSH).order_by("id")[0].master_key
    query = url_signing.query(key=key, stream=stream.name, until=until)
    return dict(part.split("=", 1) for part in query.split("&"))


def push_hook(
    stream: Stream,
    *,
    now: datetime,
    client_id: str = "7",
    action: str = "publish",
    valid: timedelta = timedelta(days=400),
    address: str = "198.51.100.7",
    **params: str | None,
) -> Hook:
    """A publish with a good key. `txSecret=None` leaves a parameter out, a text replaces it."""
    query: dict[str, str | None] = {**push_params(stream, until=now + valid), **params}
    return Hook(
        action=action,  # type: ignore[arg-type]
        stream=stream.name,
        application="live",
        client_id=client_id,
        address=address,
        params={name: value for name, value in query.items() if value is not None},
        encoder="FMLE/3.0 (compatible; FMSc/1.0)",
    )
