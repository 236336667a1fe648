"""UserSigs that our own maker would never make, for who must refuse them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from typing import Any

KEY = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"


def b64u(raw: bytes) -> str:
    return base64.b64encode(raw).decode().translate(str.maketrans("+/=", "*-_"))


def unb64u(text: str) -> bytes:
    return base64.b64decode(text.translate(str.maketrans("*-_", "+/=")))


def packed(document: str | bytes, *, level: int = 6) -> str:
    """Any text as a token."""
    return b64u(zlib.compress(document.encode() if isinstance(document, str) else document, level))


def signed(*, key: str, identifier: str, sdkappid: int, time: int, expire: int) -> dict[str, Any]:
    """The fields of a good token, as a document to spoil."""
    text = f"TLS.identifier:{identifier}\nTLS.sdkappid:{sdkappid}\nTLS.time:{time}\nTLS.expire:{expire}\n"
    digest = hmac.new(key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return {
        "TLS.ver": "2.0",
        "TLS.identifier": identifier,
        "TLS.sdkappid": sdkappid,
        "TLS.time": time,
        "TLS.expire": expire,
        "TLS.sig": base64.b64encode(digest).decode(),
    }


def token(fields: dict[str, Any], *, level: int = 6) -> str:
    return packed(json.dumps(fields), level=level)
