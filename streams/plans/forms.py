"""Forms of templates, made from the settings of each kind: a new setting has its field at once, with its words and limits.

Nested settings are written with a dot (`mp4.interval_seconds`), as refusals name them; rungs as a table of words, one a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from django import forms
from msgspec import inspect
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.web.forms import ServiceForm, counted
from streams.plans.settings import KINDS, RECORD, WATERMARK
from streams.plans.shapes import DESCRIPTION_BYTES, NAME_BYTES, TemplateChangeSerializer

# What a template begins with that staff add, where its settings have no defaults.
FIRST: dict[str, dict[str, Any]] = {RECORD: {"mp4": {}}, WATERMARK: {"kind": "clock"}}
_RUNG = ("name", "height", "video_bitrate_kbps", "audio_bitrate_kbps", "fps")
_NONE = "–"


def rungs_text(rungs: Any) -> str:
    """One rung a line: name, height, kb/s of picture and sound, frames a second."""
    rows = [[_NONE if rung.get(name) is None else str(rung[name]) for name in _RUNG] for rung in rungs]
    return "\n".join("  ".join(row) for row in rows)


def rungs_read(text: str) -> list[dict[str, Any]]:
    """The same the other way. What is no number stays a word: the settings refuse it with its place."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        rung = dict(zip(_RUNG, words, strict=False))
        if words[len(_RUNG) :]:
            rung["more"] = " ".join(words[len(_RUNG) :])
        found.append({name: _number(word, name) for name, word in rung.items() if word not in (_NONE, "-")})
    return found


def _number(word: str, name: str) -> Any:
    return int(word) if name not in ("name", "more") and word.isascii() and word.isdigit() and len(word) < 12 else word


def _kind_of(of: inspect.Type) -> tuple[inspect.Type, str, bool]:
    """Without what surrounds it: the type, its description, whether it may be null."""
    words, null = "", False
    while True:
        if isinstance(of, inspect.Metadata):
            words, of = (of.extra_json_schema or {}).get("description", words), of.type
        elif isinstance(of, inspect.UnionType):
            null = True
            of = next(one for one in of.types if not isinstance(one, inspect.NoneType))
        else:
            return of, words, null


def _bounds(of: Any) -> str:
    low, high = of.ge, of.le
    return "" if low is None or high is None else f"{low:,} to {high:,}."


def _field(name: str, of: inspect.Type, words: str, *, null: bool) -> forms.Field:
    label = name.rpartition(".")[2].replace("_", " ").capitalize()
    about: dict[str, Any] = {"label": label, "required": False, "help_text": words}
    if isinstance(of, inspect.BoolType):
        return forms.BooleanField(**about, widget=UnfoldBooleanSwitchWidget)
    if isinstance(of, inspect.LiteralType):
        choices = [(value, str(value).replace("_", " ")) for value in of.values]
        return forms.ChoiceField(**{**about, "required": True}, choices=choices, widget=UnfoldAdminSelectWidget)
    if isinstance(of, inspect.IntType | inspect.FloatType):
        about |= {"required": not null, "help_text": f"{_bounds(of)} {words}".strip()}
        if isinstance(of, inspect.IntType):
            return forms.IntegerField(**about, widget=UnfoldAdminIntegerFieldWidget)
        return forms.FloatField(**about, widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}))
    if isinstance(of, inspect.VarTupleType):
        about["help_text"] = (
            "One a line: name, height, kb/s of picture, kb/s of sound, frames a second; – for what the preset and the source decide. "
            "Without a height: sound only."
        )
        area = UnfoldAdminTextareaWidget(attrs={"rows": 7, "class": "font-mono"})
        return forms.CharField(**{**about, "required": True}, widget=area)
    return forms.CharField(**about, widget=UnfoldAdminTextInputWidget)


def _fields(kind: str) -> Iterator[tuple[str, str, forms.Field]]:
    """Heading of the group, name, field."""
    shape = inspect.type_info(KINDS[kind])
    assert isinstance(shape, inspect.StructType)  # noqa: S101 - all kinds are
    for one in shape.fields:
        of, words, null = _kind_of(one.type)
        if not isinstance(of, inspect.StructType):
            yield "", one.name, _field(one.name, of, words, null=null)
            continue
        yield (
            one.name.upper(),
            one.name,
            forms.BooleanField(label=f"Record {one.name.upper()}", required=False, widget=UnfoldBooleanSwitchWidget),
        )
        for inner in of.fields:
            kind_, words, null = _kind_of(inner.type)
            name = f"{one.name}.{inner.name}"
            # Only looked at where the format is on.
            field = _field(name, kind_, words, null=True)
            field.initial = inner.default
            yield one.name.upper(), name, field


class TemplateForm(ServiceForm):
    """The head; `form_of` adds the settings of a kind."""

    shape = TemplateChangeSerializer
    groups: Mapping[str, list[str]] = {}

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in KINDS], widget=UnfoldAdminSelectWidget)
    name = forms.CharField(widget=UnfoldAdminTextInputWidget(attrs=counted(NAME_BYTES)))
    description = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget(attrs=counted(DESCRIPTION_BYTES)))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial = {**self.initial, **flat(self.instance.settings)}

    def lay(self, refusal: LiveRoomError) -> None:
        """Of a rung, its table."""
        place = str(refusal.extra.get("field", ""))
        if place.startswith("rungs"):
            refusal.extra["field"] = "rungs"
        super().lay(refusal)

    def said(self) -> dict[str, Any]:
        """The settings as they were typed, for the service."""
        found: dict[str, Any] = {}
        for heading, names in self.groups.items():
            values = {name: self.cleaned_data.get(name) for name in names}
            if not heading:
                found |= {name: rungs_read(str(value)) if name == "rungs" else value for name, value in values.items()}
                continue
            first, *inner = names
            said = {name.partition(".")[2]: values[name] for name in inner if values[name] is not None}
            found[first] = said if values[first] else None
        return found


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Stored settings as the form shows them."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if name == "rungs":
            found[name] = rungs_text(value)
        elif isinstance(value, Mapping):
            found |= {name: True, **{f"{name}.{inner}": of for inner, of in value.items()}}
        else:
            found[name] = value
    return found


def form_of(kind: str) -> type[TemplateForm]:
    """With the settings of that kind. Fields that a kind of watermark calls `kind` stand apart from the head's."""
    groups: dict[str, list[str]] = {}
    fields: dict[str, Any] = {}
    for heading, name, field in _fields(kind):
        groups.setdefault(heading, []).append(name)
        fields[name] = field
    return type("TemplateForm", (TemplateForm,), {**fields, "groups": groups})


def first_settings(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(FIRST.get(kind, {}))
    return found
