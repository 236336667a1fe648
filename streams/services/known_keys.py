"""Whether a push could be good, asked by an address that was refused too often: answered from memory, not from the database.

Memory of this process only, bounded; a key that was made in the last ten seconds may not be known here yet."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta

from liveroom.accounts.models import Domain
from liveroom.accounts.selectors import domains_of
from streams import selectors
from streams.models import Stream
from streams.rules import url_signing

FRESH = timedelta(seconds=10)
_MOST = 1000

_lock = threading.Lock()
_known: OrderedDict[str, tuple[datetime, tuple[str, ...] | None]] = OrderedDict()


def could_be_good(*, name: str, params: Mapping[str, str], now: datetime) -> bool:
    """Whether a real key of that stream signed this, or nobody has to sign. At most one look into the database in ten seconds a name."""
    keys = _keys_of(name, now)
    if keys is None:
        return False
    signed_with = url_signing.signer(
        keys=keys, stream=name, tx_secret=params.get("txSecret"), tx_time=params.get("txTime")
    )
    return not keys or signed_with is not None


def _keys_of(name: str, now: datetime) -> tuple[str, ...] | None:
    """None: there is no such stream, or nothing of its app may be pushed."""
    with _lock:
        found = _known.get(name)
    if found is not None and abs(now - found[0]) < FRESH:
        return found[1]
    stream = Stream.objects.select_related("room__app").filter(name=name, room__disbanded_at__isnull=True).first()
    signed = None if stream is None else selectors.signing_keys(domains_of(stream.room.app, Domain.PUSH))
    keys = None if signed is None else signed.keys
    with _lock:
        _known[name] = (now, keys)
        _known.move_to_end(name)
        while len(_known) > _MOST:
            _known.popitem(last=False)
    return keys
