"""Names that we make: unguessable where they open something, short where people read them."""

from __future__ import annotations

import re
import secrets

_ALPHABET = b"abcdefghijkmnpqrstuvwxyz23456789"  # no 0/o, 1/l: people read these aloud
# 32 letters: every byte is one of them, each as likely.
_LETTERS = _ALPHABET * (256 // len(_ALPHABET))


def _random(length: int) -> str:
    return secrets.token_bytes(length).translate(_LETTERS).decode()


def room_id(*, prefix: str = "") -> str:
    """10 characters of [a-z2-9], which stand in an address as they are. `prefix`: what chat clients expect in front."""
    return prefix + _random(10)


def stream_name() -> str:
    """16 characters of [a-z2-9]: safe in a path, a URL and a shell."""
    return "s" + _random(15)


def session_sequence() -> str:
    """The `sequence` of a live session's stream events: decimal digits, unique."""
    return str(secrets.randbelow(9 * 10**17) + 10**17)


def number(kind: str) -> str:
    """What people read out to support: a letter for what it is, and 15 characters."""
    return kind + _random(15)


_NUMBER = re.compile(r"[a-z0-9]{1,24}")


def may_be_number(said: object) -> bool:
    """Whether it is worth asking a database for it: PostgreSQL takes no NUL, and nobody made anything else."""
    return isinstance(said, str) and _NUMBER.fullmatch(said) is not None


def event_id() -> str:
    return secrets.token_hex(12)


def secret_key() -> str:
    return secrets.token_hex(32)


def stream_key() -> str:
    """A key of a push or play domain: 32 characters."""
    return secrets.token_hex(16)
