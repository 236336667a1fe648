"""Keys derived from the one secret of the deployment, and comparing in constant time."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache


@lru_cache(maxsize=64)
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
