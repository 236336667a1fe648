"""Bodies and queries of templates and rules; the settings of a template are read by `settings.py`, and shown in OpenAPI from there."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec
from rest_framework import serializers

from liveroom.kernel.web.fields import LineField, OneOfField, Shape, TextField, WordField, YesNoField
from streams.plans.settings import KINDS

NAME_BYTES, DESCRIPTION_BYTES = 64, 300
# What a template has beside its settings.
HEAD: Final = ("name", "description", "stream")


class TemplateWriteSerializer(Shape):
    name = LineField(limit_bytes=NAME_BYTES, filled=True)
    description = TextField(limit_bytes=DESCRIPTION_BYTES, default="")
    stream = WordField(
        default=None, allow_null=True, help_text="The stream whose own it is; it is bound to it at once."
    )


class TemplateChangeSerializer(Shape):
    name = LineField(limit_bytes=NAME_BYTES, filled=True, required=False)
    description = TextField(limit_bytes=DESCRIPTION_BYTES, required=False)


class TemplatesQuery(Shape):
    stream = WordField(default=None, help_text="Only this stream's own.")


class TemplateIdField(serializers.IntegerField):
    """An id or null; whether there is such a template is looked for."""

    def to_internal_value(self, data: Any) -> int:
        # Anything else is the id of none.
        return data if type(data) is int and 0 < data < 2**63 else 0


class RuleWriteSerializer(Shape):
    unknown = "There is no field {name} of a rule."

    kind = OneOfField(choices=list(KINDS))
    template = TemplateIdField(allow_null=True, help_text="Its id; null: nothing of this kind is done there.")
    app = YesNoField(default=False, help_text="true: for the whole app.")
    domain = WordField(default=None, allow_null=True, help_text="For what is pushed with the keys of this push domain.")
    stream = WordField(default=None, allow_null=True, help_text="For this stream.")
    final = YesNoField(default=False, help_text="More specific rules do not count. Servers and app admins only.")


class RuleChangeSerializer(Shape):
    unknown = "{name} of a rule cannot be changed; make another rule."

    template = TemplateIdField(allow_null=True, required=False)
    final = YesNoField(required=False)


class RulesQuery(Shape):
    kind = OneOfField(choices=list(KINDS), default=None)


class RuleSerializer(serializers.Serializer):
    """`app` is true where the rule is for the whole app; else `domain` or `stream` is not null."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=list(KINDS))
    template = serializers.IntegerField(allow_null=True, source="template_id")
    app = serializers.SerializerMethodField()
    domain = serializers.CharField(allow_null=True, source="domain.name", default=None)
    stream = serializers.CharField(allow_null=True, source="stream.name", default=None)
    final = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_app(self, rule: Any) -> bool:
        return bool(rule.scope == "app")


class RulePageSerializer(serializers.Serializer):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RuleSerializer(many=True)


class TemplateHeadSerializer(serializers.Serializer):
    """A template as the list of a stream's plans names it."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    stream = serializers.CharField(allow_null=True, source="stream.name", default=None)


class PlanSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=list(KINDS))
    template = TemplateHeadSerializer(allow_null=True, help_text="What holds; null: nothing of this kind is done.")
    rule = RuleSerializer(allow_null=True, help_text="Because of which rule; null: there is none.")
    acts = serializers.BooleanField(help_text="Whether anything acts on plans of this kind in this version.")
    choices = TemplateHeadSerializer(many=True, help_text="What may be bound to this stream.")


class PlansSerializer(serializers.Serializer):
    stream = serializers.CharField()
    plans = PlanSerializer(many=True)


# -- what OpenAPI shows of settings


def _plain(shape: Any) -> Any:
    """JSON Schema of today as OpenAPI 3.0 writes it: null by `nullable`, no `$`-signs of Python in patterns."""
    if isinstance(shape, list):
        return [_plain(one) for one in shape]
    if not isinstance(shape, dict):
        return shape
    made = {key: _plain(value) for key, value in shape.items() if key != "title"}
    if isinstance(pattern := made.get("pattern"), str):
        made["pattern"] = pattern.replace(r"\Z", "$")
    kinds = made.get("anyOf")
    if isinstance(kinds, list) and {"type": "null"} in kinds:
        (other,) = [one for one in kinds if one != {"type": "null"}]
        del made["anyOf"]
        made = {**other, **made, "nullable": True}
    return made


def settings_schema(kind: str) -> dict[str, Any]:
    """Of the settings of a template of that kind."""
    (shape,), parts = msgspec.json.schema_components([KINDS[kind]], ref_template="{name}")

    def inlined(one: Any) -> Any:
        if isinstance(one, list):
            return [inlined(each) for each in one]
        if not isinstance(one, dict):
            return one
        if "$ref" in one:
            return inlined(parts[one["$ref"]])
        return {key: inlined(value) for key, value in one.items()}

    found: dict[str, Any] = _plain(inlined(shape))
    return found


_TEXT: Final = {"type": "string"}
_HEAD: Final = {
    "name": {"type": "string", "minLength": 1, "maxLength": NAME_BYTES},
    "description": {"type": "string", "maxLength": DESCRIPTION_BYTES},
    "stream": {"type": "string", "nullable": True, "description": "The stream whose own it is."},
}


@cache
def body_schema(kind: str, *, whole: bool) -> dict[str, Any]:
    """Of a new template (`whole`) or of a change."""
    of = settings_schema(kind)
    head = _HEAD if whole else {name: _HEAD[name] for name in ("name", "description")}
    made: dict[str, Any] = {"type": "object", "properties": {**head, **of["properties"]}}
    if whole:
        made["required"] = ["name", *of.get("required", [])]
    return made


@cache
def answer_schema(kind: str) -> dict[str, Any]:
    instant = {"type": "string", "format": "date-time"}
    properties = {
        "id": {"type": "integer"}, **_HEAD, "created_at": instant, "updated_at": instant, **settings_schema(kind)["properties"],
    }  # fmt: skip
    return {"type": "object", "properties": properties, "required": list(properties)}


@cache
def page_schema(kind: str) -> dict[str, Any]:
    place = {"type": "string", "format": "uri", "nullable": True}
    properties = {"next": place, "previous": place, "results": {"type": "array", "items": answer_schema(kind)}}
    return {"type": "object", "properties": properties, "required": list(properties)}
