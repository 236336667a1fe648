"""Pure: overlays of a look, and who may listen at a mix's desk: a signed address for one mix and one person, good for two minutes.

Short, because whoever holds it is not asked again: a right that was taken away ends with it. The page fetches the next one in time."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

PURPOSE = "director-desk"
LIVES_SECONDS = 120
# How far the clocks of two hosts may be apart.
_AHEAD_SECONDS = 60
_WHO = re.compile(r"[0-9a-f]{16}\Z")
_UNTIL = re.compile(r"[0-9]{9,11}\Z")


def who_of(label: str) -> str:
    """A person as an address names it: 16 hex digits that tell nobody who it is."""
    return hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def signature(*, secret: str, mix: str, who: str, until: int) -> str:
    return hmac.new(secret.encode(), f"desk\n{mix}\n{who}\n{until}".encode(), hashlib.sha256).hexdigest()[:40]


def query(*, secret: str, mix: str, label: str, now_seconds: float) -> tuple[str, int]:
    """What stands behind the `?`, and until when it is good (seconds since 1970)."""
    who, until = who_of(label), int(now_seconds) + LIVES_SECONDS
    said = {"who": who, "until": until, "sig": signature(secret=secret, mix=mix, who=who, until=until)}
    return urlencode(said), until


class Unsigned(ValueError):
    """The address was not made here, or for another mix or person."""


class Expired(ValueError):
    """It was good, and is over."""


def holder(*, secret: str, mix: str, query: Mapping[str, Sequence[str]], now_seconds: float) -> tuple[str, float]:
    """Who holds the address, and for how many seconds more. Unsigned, Expired."""
    values = {name: found[0] if len(found := query.get(name, ())) == 1 else "" for name in ("who", "until", "sig")}
    who, until, sig = values["who"], values["until"], values["sig"]
    if not _WHO.match(who) or not _UNTIL.match(until):
        raise Unsigned("The address is not whole.")
    expected = signature(secret=secret, mix=mix, who=who, until=int(until))
    if not hmac.compare_digest(expected.encode(), sig.encode("utf-8", "surrogatepass")):
        raise Unsigned("The address was not made for this mix.")
    left = int(until) - now_seconds
    if left <= 0:
        raise Expired("The address is over.")
    return who, min(left, LIVES_SECONDS + _AHEAD_SECONDS)


def desk_channel(mix: str) -> str:
    """On Redis: something at the desks of that mix is other; whoever shows one looks again."""
    return f"mix:{mix}:desk"


def free_ident(kind: str, taken: Collection[str]) -> str:
    """A name for an overlay of that kind: `clock-2`."""
    known = kind if re.fullmatch(r"[a-z][a-z_]{0,20}", kind) else "overlay"
    number = 1
    while f"{known}-{number}" in taken:
        number += 1
    return f"{known}-{number}"


def with_overlay(
    present: Sequence[dict[str, Any]], overlay: Mapping[str, Any], *, shown: bool | None
) -> list[dict[str, Any]]:
    """A look's overlays with this one shown, not shown, or (None) changed where it is shown."""
    ident = overlay["id"]
    stands = any(one["id"] == ident for one in present)
    if shown is False or (shown is None and not stands):
        return [one for one in present if one["id"] != ident]
    changed = [dict(overlay) if one["id"] == ident else one for one in present]
    return changed if stands else [*changed, dict(overlay)]
