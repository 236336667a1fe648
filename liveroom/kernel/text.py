"""Checks on text from outside: bytes counted as the contracts count them, nothing that breaks a wire or a page."""

from __future__ import annotations

import re

from liveroom.kernel.errors import BadParameter

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def checked(value: object, *, field: str, limit_bytes: int, required: bool = False, code: int | None = None) -> str:
    """`value` as text of at most `limit_bytes` of UTF-8. BadParameter names the field, the limit and what was given."""
    if not isinstance(value, str):
        raise BadParameter(f"{field} must be text, not {type(value).__name__}.", field=field)
    try:
        size = len(value.encode("utf-8"))
    except UnicodeEncodeError:
        raise BadParameter(f"{field} holds half of a surrogate pair; send valid UTF-8.", field=field) from None
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
