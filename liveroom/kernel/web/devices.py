"""The cookie that tells one browser from another, so that a ban holds for its guest, too. Made by our pages, signed, and nothing in it.

A trace is `d:<device>` or `a:<address>`."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from http.cookies import CookieError, SimpleCookie

from liveroom.kernel.values import signing

COOKIE = "lr_device"
KEPT_SECONDS = 400 * 86_400
_ID_BYTES, _SIGNATURE = 12, 20


def _signature(device: str) -> str:
    return hmac.new(signing.derived_secret("device").encode(), device.encode(), hashlib.sha256).hexdigest()[:_SIGNATURE]


def new_cookie() -> str:
    device = secrets.token_hex(_ID_BYTES)
    return f"{device}.{_signature(device)}"


def device_of(cookie: str) -> str:
    """The device that a value of the cookie names; empty: it is not one of ours."""
    device, _, signature = cookie.partition(".")
    return device if device.isascii() and device and signing.same(signature, _signature(device)) else ""


def device_in(header: str) -> str:
    """The same of a whole Cookie header."""
    if COOKIE not in header or len(header) > 16_384:
        return ""
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return device_of(found.value) if found is not None else ""


def traces_of(*, device: str, address: str) -> frozenset[str]:
    return frozenset(([f"d:{device}"] if device else []) + ([f"a:{address[:45]}"] if address else []))
