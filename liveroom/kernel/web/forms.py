"""Forms of the console: checked by the shapes that REST has, and a service's refusal is shown beside the field that it names."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

from django import forms
from rest_framework.exceptions import ValidationError
from rest_framework.fields import SkipField
from unfold.widgets import UnfoldAdminTextInputWidget

from liveroom.kernel.errors import BadParameter, LiveRoomError
from liveroom.kernel.values import text
from liveroom.kernel.web.fields import REASON_BYTES, Shape
from liveroom.kernel.web.shapes import bad_parameter, fields_of


def counted(limit_bytes: int) -> dict[str, Any]:
    """For a widget: the page shows how many of the bytes are used (counters.js)."""
    return {"data-limit-bytes": limit_bytes}


def reason_field(*, read_by: str) -> forms.CharField:
    """Why somebody did it. `read_by`: a sentence that says who will read it."""
    return forms.CharField(
        required=False,
        help_text=f"{read_by} At most {REASON_BYTES} bytes.",
        widget=UnfoldAdminTextInputWidget(attrs=counted(REASON_BYTES)),
    )


class Refusable:
    """A form onto which a service's refusal can be laid: beside the field that the refusal names, else above all."""

    refusal: LiveRoomError | None = None
    laid: LiveRoomError | None = None
    """The last that was laid onto it."""
    field_of: ClassVar[Mapping[str, str]] = {}
    """A service's name for a field -> the form's, where they differ."""
    beside: ClassVar[Mapping[type[LiveRoomError], str]] = {}
    """Refusals that name no field -> the field that they are about."""
    shape: ClassVar[type[Shape] | None] = None
    """Checks what was typed as it checks the body of the REST operation; fields that it does not know stay as they are."""

    def clean(self) -> Any:
        said = super().clean()  # type: ignore[misc]
        if self.shape is not None:
            self._check(self.shape)
        return said

    def _check(self, shape: type[Shape]) -> None:
        said = self.cleaned_data  # type: ignore[attr-defined]
        for name, field in fields_of(shape).items():
            shown = self.field_of.get(name, name)
            if shown not in said:
                continue
            try:
                with suppress(SkipField):
                    said[shown] = field.run_validation(said[shown])
            except ValidationError as error:
                self.lay(bad_parameter(ValidationError({name: error.detail})))
            except BadParameter as refusal:
                self.lay(refusal)

    def lay(self, refusal: LiveRoomError) -> None:
        self.laid = refusal
        said = str(refusal.extra.get("field", ""))
        said = said or next((name for kind, name in self.beside.items() if isinstance(refusal, kind)), "")
        name = self.field_of.get(said, said)
        self.add_error(name if name in self.fields else None, refusal.message)  # type: ignore[attr-defined]


class ServiceForm(Refusable, forms.ModelForm):
    """Nothing is written onto the row and no model rule is asked: the shape checks, and the services alone write.

    Of the declared fields, those stay that the page shows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(self.fields) - set(self._meta.fields or self.fields):
            del self.fields[name]

    def _post_clean(self) -> None:
        if self.refusal is not None:
            self.lay(self.refusal)


class RowForm(Refusable, forms.ModelForm):
    """For rows that no service writes. Words in one line are judged here as services judge theirs (kernel/values/text.py)."""

    def clean(self) -> Any:
        said = super().clean()
        for name in self.changed_data:
            field, value = self.fields.get(name), self.cleaned_data.get(name)
            # A field that turns text into something else (a choice, a number, JSON) judges by itself.
            if type(field) is not forms.CharField or not isinstance(value, str):
                continue
            try:
                text.judged_line(value, field=str(field.label or name))
            except LiveRoomError as refusal:
                self.add_error(name, refusal.message)
        return said

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.refusal is not None:
            self.lay(self.refusal)


class ActForm(Refusable, forms.Form):
    """What an act asks for."""
