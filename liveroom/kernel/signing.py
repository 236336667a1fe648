"""Keys derived from the one secret of the deployment, and base64 that has a single spelling."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac


def derive(*, secret: str, purpose: str) -> str:
    """64 hex characters. Knowing one purpose's key tells nothing about another's."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def derived_secret(purpose: str) -> str:
    from django.conf import settings

    return derive(secret=settings.SECRET_KEY, purpose=purpose)


def same(left: str | bytes, right: str | bytes) -> bool:
    """Constant-time equality, for texts that may hold anything."""
    return hmac.compare_digest(
        left.encode("utf-8", "surrogatepass") if isinstance(left, str) else left,
        right.encode("utf-8", "surrogatepass") if isinstance(right, str) else right,
    )


def canonical_b64decode(text: str) -> bytes:
    """Standard base64, one spelling per value. ValueError otherwise.

    Spare bits let 3 of 20,000 changed tokens verify when decoders ignore them (design.md, known traps)."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64") from error
    if base64.b64encode(raw).decode() != text:
        raise ValueError("not the canonical base64 spelling")
    return raw
