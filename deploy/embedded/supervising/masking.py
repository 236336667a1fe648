"""No secret in a log line: query values, JSON values, passwords in addresses, and the keys of this very copy.

Masks too much rather than too little; a masked line still says which parameter was there."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "***"
NAMES = (
    "usersig|user_sig|txsecret|vid|vsig|gw|md5|token|password|passwd|pwd|secret|secret_key|api_key|api_secret_key"
    "|apikey|sessionid|csrfmiddlewaretoken|sign|signature|authorization"
)
# Where the value ends: at what cannot be part of one in a query, or at the end of a quoted text.
_QUERY = re.compile(rf"(?i)(?<![a-z0-9])({NAMES})(=|%3d)[^&\s\"'<>;,)\]}}]+")
_JSON = re.compile(rf"""(?i)(\\?["'])({NAMES})\1(\s*:\s*)(\\?["']).*?\4""")
_ENGINE = re.compile(r"(/engine/)[^/\s\"'?]+(?=[/\s\"'?]|$)")
_ADDRESS = re.compile(r"\b([a-z][a-z0-9+.-]*://[^\s:/@\"']*:)[^\s@/\"']+@")
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/*=-]{8,}")
SHORTEST_LITERAL = 8


class Masker:
    """`literals` are secrets known beforehand (the copy's key and those derived from it), hidden anywhere."""

    def __init__(self, literals: Iterable[str] = ()) -> None:
        known = sorted({text for text in literals if len(text) >= SHORTEST_LITERAL}, key=len, reverse=True)
        self._literals = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, line: str) -> str:
        if self._literals is not None:
            line = self._literals.sub(HIDDEN, line)
        line = _ENGINE.sub(rf"\1{HIDDEN}", line)
        line = _ADDRESS.sub(rf"\1{HIDDEN}@", line)
        line = _BEARER.sub(rf"\1\2{HIDDEN}", line)
        line = _JSON.sub(rf"\1\2\1\3\4{HIDDEN}\4", line)
        return _QUERY.sub(rf"\1\2{HIDDEN}", line)
