"""Bodies and answers of watermarks. What one looks like is read as the settings of a template (`streams/plans/settings.py`), and shown in
OpenAPI from there."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from liveroom.kernel.web.fields import Shape, WordField
from streams.plans.settings import WATERMARK
from streams.plans.shapes import TemplateIdField, settings_schema

# What a watermark may be on; exactly one of them is said.
TARGETS: Final = ("stream", "mix", "recording_rule", "relay")


class TargetSerializer(Shape):
    """What the watermark is on."""

    stream = WordField(default=None, allow_null=True)
    mix = WordField(default=None, allow_null=True)
    recording_rule = TemplateIdField(default=None, allow_null=True)
    relay = WordField(default=None, allow_null=True)


class WatermarksQuery(Shape):
    room = WordField(required=False, filled=True)
    stream = WordField(required=False, filled=True, help_text="Only what is on this stream itself.")


_WORDS: Final = {
    "stream": "For its viewers, and its recordings unless `recordings` is false.",
    "mix": "For all that see or record it.",
    "recording_rule": "For the recordings that this rule starts.",
    "relay": "For what this relay pushes.",
}
_KINDS: Final = {"stream": "string", "mix": "string", "recording_rule": "integer", "relay": "string"}


def _targets() -> dict[str, Any]:
    return {
        name: {"type": kind, "nullable": True, "description": _WORDS[name]} for name, kind in _KINDS.items()
    }  # fmt: skip


@cache
def body_schema(*, whole: bool) -> dict[str, Any]:
    """Of a new one (`whole`) or of a change."""
    of = settings_schema(WATERMARK)
    made: dict[str, Any] = {"type": "object", "properties": {**(_targets() if whole else {}), **of["properties"]}}
    if whole:
        made["required"] = list(of.get("required", []))
    return made


@cache
def answer_schema() -> dict[str, Any]:
    text, instant = {"type": "string"}, {"type": "string", "format": "date-time"}
    properties = {
        "id": text,
        "room": {**text, "nullable": True, "description": "Null: of a rule of the whole app."},
        **_targets(),
        "template": {"type": "integer", "nullable": True, "description": "The template whose plan put it there."},
        "state": {"type": "string", "enum": ["waiting", "running"], "description": "running: a picture shows it now."},
        "reason": {**text, "description": "Why it waits."},
        "by": text,
        "created_at": instant,
        "updated_at": instant,
        **settings_schema(WATERMARK)["properties"],
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


@cache
def page_schema() -> dict[str, Any]:
    place = {"type": "string", "format": "uri", "nullable": True}
    properties = {"next": place, "previous": place, "results": {"type": "array", "items": answer_schema()}}
    return {"type": "object", "properties": properties, "required": list(properties)}


__all__ = ["TARGETS", "TargetSerializer", "WatermarksQuery", "answer_schema", "body_schema", "page_schema"]
