"""Checks on text from outside: bytes counted as the contracts count them, nothing that breaks a wire or a page."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from liveroom.kernel.errors import BadParameter

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def storable(value: object, *, field: str) -> str:
    """`value` as text that every database can hold: valid UTF-8 without NUL. For what is opaque to us."""
    if not isinstance(value, str):
        raise BadParameter(f"{field} must be text, not {type(value).__name__}.", field=field)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise BadParameter(f"{field} holds half of a surrogate pair; send valid UTF-8.", field=field) from None
    if "\x00" in value:
        raise BadParameter(f"{field} holds a NUL character.", field=field)
    return value


def storable_texts(value: object, *, field: str, limit_bytes: int) -> dict[str, str]:
    """`value` as an object of texts (custom fields) that takes at most `limit_bytes` as JSON."""
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise BadParameter(f"{field} must be an object of texts.", field=field)
    for key, one in value.items():
        storable(key, field=field)
        storable(one, field=field)
    size = len(json.dumps(value, ensure_ascii=False).encode())
    if size > limit_bytes:
        raise BadParameter(
            f"{field} take {size:,} bytes; the limit is {limit_bytes:,}.", field=field, limit=limit_bytes, given=size
        )
    return value


def is_web_address(url: str) -> bool:
    """Whether an `img` of a viewer's page may load it: http or https, with a host."""
    try:
        parts = urlsplit(url)
    except ValueError:  # an unclosed [ is no address at all
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def checked(value: object, *, field: str, limit_bytes: int, required: bool = False, code: int | None = None) -> str:
    """`value` as text of at most `limit_bytes` of UTF-8. BadParameter names the field, the limit and what was given."""
    value = storable(value, field=field)
    size = len(value.encode("utf-8"))
    if size > limit_bytes:
        error = BadParameter(
            f"{field} is {size:,} bytes long in UTF-8; the limit is {limit_bytes:,}.",
            field=field,
            limit=limit_bytes,
            given=size,
        )
        if code is not None:
            error.code = code
        raise error
    if _CONTROL.search(value):
        raise BadParameter(f"{field} holds a control character (other than tab and line break).", field=field)
    if required and not value.strip():
        raise BadParameter(f"{field} must not be empty.", field=field)
    return value
