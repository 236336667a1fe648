"""JSON as RFC 8259 has it, in and out of the REST doors: UTF-8, no NaN, no repeated key, no bomb."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework import exceptions, parsers, renderers

MAX_DEPTH = 32


class JSONRenderer(renderers.JSONRenderer):
    charset = "utf-8"
    ensure_ascii = False


class StrictJSONParser(parsers.BaseParser):
    """JSON as RFC 8259 has it: UTF-8, an object on top, no NaN, no repeated key, at most 32 levels."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        # Django's own limit is looked at by who asks for `request.body`; a parser reads past it.
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise RequestDataTooBig
        if not raw:
            return {}
        try:
            value = strict_json(raw)
        except ValueError as error:
            raise exceptions.ParseError(f"The body is not the JSON object that is expected here: {error}.") from None
        if not isinstance(value, dict):
            raise exceptions.ParseError('The body must be a JSON object, such as {"title": "…"}.')
        return value


class RepeatedKey(ValueError):
    pass


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RepeatedKey("an object names the same key twice")
    return found


def _no_constants(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def strict_json(raw: bytes | str) -> Any:
    """Parse, or ValueError with a sentence. Depth is counted before parsing, so that a bomb costs one pass."""
    text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
    depth = deepest = 0
    quoted = escaped = False
    for char in text:
        if quoted:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                quoted = False
        elif char == '"':
            quoted = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    if deepest > MAX_DEPTH:
        raise ValueError(f"nested {deepest} levels deep; the limit is {MAX_DEPTH}")
    value = json.loads(text, object_pairs_hook=_no_repeats, parse_constant=_no_constants)
    _refuse_surrogates(text)
    return value


def _refuse_surrogates(text: str) -> None:
    r"""A lone \ud800 parses, and then breaks whoever encodes it. Pairs are fine."""
    if "\\u" not in text:
        return
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("it holds half of a surrogate pair") from None
