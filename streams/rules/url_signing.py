"""Signed push and play addresses, contracts/css.md section 6: txSecret = md5(key + stream + txTime), txTime in hex.

`vid` is our own second signature: it ties a play address to one viewer, so that one viewer's picture can be ended."""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime

_TX_TIME = re.compile(r"[0-9A-Fa-f]{1,10}\Z")
MAX_VID_BYTES = 64


class Refusal(enum.Enum):
    """Why an address is not accepted: (sub-code of contracts/css.md section 5, name, sentence)."""

    MISSING_TIME = (500, "missing_time", "The address has no txTime; copy it whole.")
    EXPIRED = (501, "expired", "The address has expired.")
    MISSING_SECRET = (502, "missing_secret", "The address has no txSecret; copy it whole.")
    WRONG = (503, "wrong_signature", "The address was not made with this domain's key, or was changed.")
    RESET = (503, "reset", "The key was reset; use the new one.")

    @property
    def code(self) -> int:
        return self.value[0]

    @property
    def reason(self) -> str:
        return self.value[1]

    @property
    def text(self) -> str:
        return self.value[2]


def tx_time(until: datetime) -> str:
    """The hex spelling of an expiry, as vendors write it: upper case."""
    return f"{int(until.timestamp()):X}"


def expiry(text: str) -> int | None:
    """Unix seconds of a txTime, or None if it is none."""
    return int(text, 16) if _TX_TIME.match(text) else None


def sign(*, key: str, stream: str, tx_time: str) -> str:
    """txSecret. `tx_time` exactly as it stands in the address: its case counts."""
    return hashlib.md5(f"{key}{stream}{tx_time}".encode(), usedforsecurity=False).hexdigest()


def query(*, key: str, stream: str, until: datetime) -> str:
    """`txSecret=…&txTime=…` for an address that is good until then."""
    at = tx_time(until)
    return f"txSecret={sign(key=key, stream=stream, tx_time=at)}&txTime={at}"


def check(
    *,
    keys: Sequence[str],
    stream: str,
    tx_secret: str | None,
    tx_time: str | None,
    now: datetime,
    delta_seconds: int | Sequence[int] = 0,
    floor: int | None = None,
) -> Refusal | None:
    """None if the address is good. No keys: signing is off. `floor`: txTimes up to it were made before a reset (S1).

    `delta_seconds`: how long an address stays good after its time, for all keys or one for each: that of the key that signed it counts.

    The signature is looked at before the time, so that only the owner of a real key learns that it has expired."""
    if not keys:
        return None
    if not tx_time:
        return Refusal.MISSING_TIME
    if not tx_secret:
        return Refusal.MISSING_SECRET
    until = expiry(tx_time)
    if until is None:
        return Refusal.WRONG
    signed_with = signer(keys=keys, stream=stream, tx_secret=tx_secret, tx_time=tx_time)
    if signed_with is None:
        return Refusal.WRONG
    delta = delta_seconds if isinstance(delta_seconds, int) else delta_seconds[signed_with]
    if floor is not None and until <= floor:
        return Refusal.RESET
    # As numbers: ten hex digits reach beyond the years that datetime knows.
    if now.timestamp() > until + delta:
        return Refusal.EXPIRED
    return None


def signer(*, keys: Sequence[str], stream: str, tx_secret: str | None, tx_time: str | None) -> int | None:
    """Which of the keys signed an address, whether or not its time is over; None: none of them."""
    if not tx_secret or not tx_time:
        return None
    given = tx_secret.encode("utf-8", "surrogatepass")
    good = [
        hmac.compare_digest(given, sign(key=key, stream=stream, tx_time=tx_time).encode("utf-8", "surrogatepass"))
        for key in keys
    ]
    return good.index(True) if any(good) else None


def sign_after(*, secret: str, stream: str, tx_time: str, floor: int) -> str:
    """32 hex characters that say: this address was made after the reset that set this floor.

    A reset refuses every txTime up to the old key's, a year ahead; without this nobody could make an address for an hour after it."""
    return hmac.new(secret.encode(), f"{stream}|{tx_time}|{floor:x}".encode(), hashlib.sha256).hexdigest()[:32]


def check_after(*, secret: str, stream: str, tx_time: str | None, floor: int, signature: str | None) -> bool:
    """Whether an address with a time below the floor was made after the reset."""
    if not signature or not tx_time:
        return False
    right = sign_after(secret=secret, stream=stream, tx_time=tx_time, floor=floor)
    return hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), right.encode())


def sign_vid(*, secret: str, stream: str, vid: str, tx_time: str) -> str:
    """32 hex characters over stream, viewer and expiry; `|` cannot stand in stream or txTime."""
    return hmac.new(secret.encode(), f"{stream}|{tx_time}|{vid}".encode(), hashlib.sha256).hexdigest()[:32]


def check_vid(*, secret: str, stream: str, vid: str | None, vsig: str | None, tx_time: str | None) -> bool:
    if not vid or not vsig or not tx_time or len(vid.encode("utf-8", "surrogatepass")) > MAX_VID_BYTES:
        return False
    try:
        right = sign_vid(secret=secret, stream=stream, vid=vid, tx_time=tx_time)
    except UnicodeEncodeError:
        return False
    return hmac.compare_digest(vsig.encode("utf-8", "surrogatepass"), right.encode())


def vid_of(identifier: str) -> str:
    """A user id in an address: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(identifier.encode()).decode().rstrip("=")
