"""UserSig (TLSSigAPIv2), contracts/chat.md A: made so that the published generators' checks pass, checked so that theirs do.

Text signed: identifier, sdkappid, time, expire and, if there is one, userbuf, a line each. Key: the app's secret as text."""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import hmac
import json
import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAX_INFLATED_BYTES = 4096
MAX_TOKEN_BYTES = 8192
MAX_IDENTIFIER_BYTES = 32
FUTURE_SECONDS = 300
# Bots (C11): no login makes such an account.
ROBOT_PREFIX = "@RBT#"

_TO_STANDARD = str.maketrans("*-_", "+/=")
_FROM_STANDARD = str.maketrans("+/=", "*-_")


class Fault(enum.Enum):
    """Why a token is refused: (code of contracts/chat.md, what to tell)."""

    EMPTY = (70002, "The UserSig is empty.")
    MANGLED = (70003, "The UserSig cannot be decoded; it was cut short or changed on its way.")
    WRONG_SIGNATURE = (70009, "The UserSig was not made with this app's secret key.")
    OTHER_IDENTIFIER = (70013, "The UserSig belongs to another user.")
    OTHER_APP = (70014, "The UserSig belongs to another app.")
    NO_KEY = (70016, "The app has no secret key.")
    UNKNOWN_APP = (70020, "There is no such app (sdkappid).")
    EXPIRED = (70001, "The UserSig has expired; ask your server for a new one.")
    API_KEY = (
        70003,
        "This is an API key, or a part of one, and no UserSig: servers make UserSigs with it at POST /tokens.",
    )
    FROM_THE_FUTURE = (70003, "The UserSig is dated in the future; set the clock of the machine that made it.")
    REVOKED = (70052, "The UserSig was revoked; log in again.")
    ROBOT = (
        70107,
        "There is no such robot: accounts whose ids begin with @RBT# are made by the app's server (POST /users).",
    )
    BLOCKED = (70051, "The account is blocked.")

    @property
    def code(self) -> int:
        return int(self.value[0])

    @property
    def text(self) -> str:
        return str(self.value[1])


@dataclass(frozen=True, slots=True)
class UserSig:
    """What a token says, before anybody checked that it is true. Times are unix seconds."""

    identifier: str
    sdkappid: int
    time: int
    expire: int
    signature: str
    userbuf: str | None = None


def _signature(*, key: str, identifier: str, sdkappid: int, time: int, expire: int, userbuf: str | None) -> bytes:
    text = f"TLS.identifier:{identifier}\nTLS.sdkappid:{sdkappid}\nTLS.time:{time}\nTLS.expire:{expire}\n"
    if userbuf is not None:
        text += f"TLS.userbuf:{userbuf}\n"
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()


def make(
    *, key: str, identifier: str, sdkappid: int, now: datetime, expire_seconds: int, userbuf: bytes | None = None
) -> str:
    """A token for `identifier`, valid `expire_seconds` from `now`."""
    issued = int(now.timestamp())
    buf = None if userbuf is None else base64.b64encode(userbuf).decode()
    digest = _signature(
        key=key, identifier=identifier, sdkappid=sdkappid, time=issued, expire=expire_seconds, userbuf=buf
    )
    fields: dict[str, Any] = {
        "TLS.ver": "2.0",
        "TLS.identifier": identifier,
        "TLS.sdkappid": sdkappid,
        "TLS.expire": expire_seconds,
        "TLS.time": issued,
        "TLS.sig": base64.b64encode(digest).decode(),
    }
    if buf is not None:
        fields["TLS.userbuf"] = buf
    packed = zlib.compress(json.dumps(fields).encode())
    return base64.b64encode(packed).decode().translate(_FROM_STANDARD)


def _canonical(text: str) -> bytes:
    """Base64 with one spelling: spare bits would let a changed character pass (design.md, known traps)."""
    raw = base64.b64decode(text.encode("ascii"), validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("spare bits")
    return raw


def _inflated(packed: bytes) -> bytes | None:
    """The text, or None if there is more after it, too much of it, or less than all."""
    stream = zlib.decompressobj()
    raw = stream.decompress(packed, MAX_INFLATED_BYTES + 1)
    if len(raw) > MAX_INFLATED_BYTES or not stream.eof or stream.unused_data:
        return None
    return raw


def _has_spare_bits(packed: bytes, raw: bytes) -> bool:
    """Whether bits that mean nothing are set between the end of the compressed text and its checksum.

    Every compressor leaves them 0. The last byte before the checksum is filled from its low end, so if its highest set bit can
    go without a difference, that bit was spare, and a changed character could pass by it."""
    last = packed[-5]
    if not last:
        return False
    cleared = last & ~(1 << (last.bit_length() - 1))
    try:
        return _inflated(packed[:-5] + bytes((cleared,)) + packed[-4:]) == raw
    except zlib.error:
        return False


def _whole(value: Any) -> int:
    """Other languages write numbers as text; bools and fractions are nobody's."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("not a number")
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) <= 12):
        raise ValueError("not a number")
    number = int(value)
    if not 0 <= number < 10**12:
        raise ValueError("out of range")
    return number


# Our own begin with LR; the secret behind the dot is hexadecimal. A UserSig begins as zlib does: "eJ", "eA" or the like.
_OF_A_KEY = re.compile(r"""["']?(LR[A-Za-z0-9]{4,}|[0-9a-f]{32,}["']?\Z)""")


def is_api_key(token: str) -> bool:
    """Whether a bearer is a server's key, or was meant to be one: no UserSig holds a dot."""
    return "." in token or _OF_A_KEY.match(token) is not None


def parse(token: str) -> UserSig | Fault:
    """Take a token apart. Tolerates key order, `\\/` escapes and numbers as text; never inflates more than 4 KB."""
    if not token:
        return Fault.EMPTY
    if is_api_key(token):
        return Fault.API_KEY
    if len(token) > MAX_TOKEN_BYTES:
        return Fault.MANGLED
    try:
        packed = _canonical(token.translate(_TO_STANDARD))
        raw = _inflated(packed)
        if raw is None or _has_spare_bits(packed, raw):
            return Fault.MANGLED
        fields = json.loads(raw.decode("utf-8"))
        identifier = fields["TLS.identifier"]
        userbuf = fields.get("TLS.userbuf")
        signature = fields["TLS.sig"]
        if not isinstance(identifier, str) or not identifier or not isinstance(signature, str):
            return Fault.MANGLED
        if len(identifier.encode("utf-8")) > MAX_IDENTIFIER_BYTES or not identifier.isprintable():
            return Fault.MANGLED
        if userbuf is not None and not (isinstance(userbuf, str) and userbuf.isascii()):
            return Fault.MANGLED
        return UserSig(
            identifier=identifier,
            sdkappid=_whole(fields["TLS.sdkappid"]),
            time=_whole(fields["TLS.time"]),
            expire=_whole(fields["TLS.expire"]),
            signature=signature,
            userbuf=userbuf,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error, binascii.Error):
        return Fault.MANGLED


def check(
    sig: UserSig,
    *,
    key: str | None,
    now: datetime,
    identifier: str | None = None,
    sdkappid: int | None = None,
    valid_from: datetime | None = None,
) -> Fault | None:
    """None if the token is good. `key` None: the app is unknown; "": it has no key. The order is contracts/chat.md A's.

    `identifier` and `sdkappid` are what the request claims beside the token; `valid_from` is the last `kick`."""
    if key is None:
        return Fault.UNKNOWN_APP
    if not key:
        return Fault.NO_KEY
    right = _signature(
        key=key, identifier=sig.identifier, sdkappid=sig.sdkappid, time=sig.time, expire=sig.expire, userbuf=sig.userbuf
    )
    try:
        given = _canonical(sig.signature)
    except (ValueError, UnicodeEncodeError):
        return Fault.WRONG_SIGNATURE
    if not hmac.compare_digest(given, right):
        return Fault.WRONG_SIGNATURE
    if identifier is not None and identifier != sig.identifier:
        return Fault.OTHER_IDENTIFIER
    if sdkappid is not None and sdkappid != sig.sdkappid:
        return Fault.OTHER_APP
    seconds = int(now.timestamp())
    if sig.time + sig.expire < seconds:
        return Fault.EXPIRED
    if sig.time > seconds + FUTURE_SECONDS:
        return Fault.FROM_THE_FUTURE
    # A token's time is in whole seconds: one of the kick's own second may have been made before it.
    if valid_from is not None and sig.time <= int(valid_from.timestamp()):
        return Fault.REVOKED
    return None
