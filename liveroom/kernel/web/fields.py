"""Fields of REST bodies and queries: each is one rule of `kernel.text` or `kernel.instants`, said once and shown by OpenAPI.

Promise: nothing is guessed. `"5"` is no number, `1` is no yes, a text is kept byte for byte. A field refuses with the same `BadParameter`
as every service (field, limit, given), which REST framework lets through; what it finds itself (a field is missing, null, no object)
`kernel.shapes.checked` puts into the same words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, NoReturn

from rest_framework import serializers

from liveroom.kernel.errors import BadParameter
from liveroom.kernel.values import instants, text


# No docstring: OpenAPI would show it at every body that has none of its own.
class Shape(serializers.Serializer):
    # An underscore at the end of a name is for Python only: `from_` is sent as `from`.

    # What to say of a field that there is not, with `{name}`. None: such a field is not looked at.
    unknown: ClassVar[str | None] = None

    def get_fields(self) -> dict[str, serializers.Field]:
        return {name.removesuffix("_"): field for name, field in super().get_fields().items()}

    def to_internal_value(self, data: Any) -> Any:
        if self.unknown is not None and isinstance(data, Mapping):
            strange = sorted(set(data) - set(self.fields))
            if strange:
                name = strange[0][:40]
                raise BadParameter(self.unknown.format(name=repr(name)), field=name)
        return super().to_internal_value(data)


def name_of(field: serializers.Field) -> str:
    """How a refusal names the field; an entry of a list is named as the list."""
    while not field.field_name and field.parent is not None:
        field = field.parent
    return field.field_name or ""


class WordField(serializers.CharField):
    """Any text that can be stored (`text.storable`): for ids, which a service looks for or judges. `filled`: it is not blank."""

    def __init__(self, *, filled: bool = False, **options: Any) -> None:
        self.filled = filled
        super().__init__(allow_blank=not filled, trim_whitespace=False, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """REST framework returns "" unread; here it is judged as every other text."""
        empty, found = self.validate_empty_values(data)
        return found if empty else self.to_internal_value(data)

    def to_internal_value(self, data: Any) -> str:
        return text.storable(data, field=name_of(self))


class _CountedField(WordField):
    """A text whose bytes are counted: as many characters are the most that OpenAPI can say of it."""

    def __init__(self, *, limit_bytes: int, **options: Any) -> None:
        self.limit_bytes = limit_bytes
        options.setdefault("help_text", f"At most {limit_bytes:,} bytes.")
        super().__init__(max_length=limit_bytes, **options)


class OpaqueField(_CountedField):
    """Text for programs (`text.opaque`)."""

    def to_internal_value(self, data: Any) -> str:
        return text.opaque(data, field=name_of(self), limit_bytes=self.limit_bytes, required=self.filled)


class TextField(_CountedField):
    """Text that people read, perhaps in lines (`text.checked`)."""

    def to_internal_value(self, data: Any) -> str:
        return text.checked(data, field=name_of(self), limit_bytes=self.limit_bytes, required=self.filled)


REASON_BYTES = 300


class ReasonField(TextField):
    """Why somebody did it: kept with the act and in the audit log."""

    def __init__(self, **options: Any) -> None:
        options = {"help_text": f"For moderators; at most {REASON_BYTES} bytes.", **options}
        super().__init__(limit_bytes=REASON_BYTES, default="", **options)


class WebAddressField(_CountedField):
    """Empty, or an http(s) address that a viewer's page may load (`text.web_address`)."""

    def to_internal_value(self, data: Any) -> str:
        return text.web_address(data, field=name_of(self), limit_bytes=self.limit_bytes)


class LineField(_CountedField):
    """One line that people read (`text.line`), without the blanks at its ends."""

    def to_internal_value(self, data: Any) -> str:
        return text.line(data, field=name_of(self), limit_bytes=self.limit_bytes, required=self.filled)


class NameField(_CountedField):
    """What somebody is called (`text.name`)."""

    def to_internal_value(self, data: Any) -> str:
        return text.name(data, field=name_of(self), limit_bytes=self.limit_bytes)


class TextsField(serializers.DictField):
    """An object of texts (custom fields) of at most `limit_bytes` as JSON (`text.storable_texts`)."""

    def __init__(self, *, limit_bytes: int, **options: Any) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(child=serializers.CharField(allow_blank=True), **options)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        return text.storable_texts(data, field=name_of(self), limit_bytes=self.limit_bytes)


class NumbersField(serializers.DictField):
    """An object of whole numbers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.IntegerField(), **options)

    def to_internal_value(self, data: Any) -> dict[str, int]:
        if not isinstance(data, dict) or not all(type(one) is int for one in data.values()):
            raise BadParameter(f"{name_of(self)} is an object of whole numbers.", field=name_of(self))
        return data


class WholeNumberField(serializers.IntegerField):
    """A whole number between two others. `null_means`: what null stands for, where it may be sent."""

    def __init__(self, low: int, high: int, *, null_means: str = "", **options: Any) -> None:
        self.low, self.high, self.null_means = low, high, null_means
        super().__init__(min_value=low, max_value=high, allow_null=bool(null_means), **options)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or not self.low <= data <= self.high:
            name = name_of(self)
            also = f", or null for {self.null_means}" if self.null_means else ""
            raise BadParameter(
                f"{name} is a whole number from {self.low} to {self.high}{also}.",
                field=name,
                limit=self.low if type(data) is int and data < self.low else self.high,
            )
        return data


class YesNoField(serializers.BooleanField):
    """true or false, and nothing that is like it. In a query the two words."""

    def __init__(self, *, in_query: bool = False, **options: Any) -> None:
        self.said: dict[Any, bool] = {"true": True, "false": False} if in_query else {True: True, False: False}
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool | str) or data not in self.said:
            raise BadParameter(f"{name_of(self)} is true or false.", field=name_of(self))
        return self.said[data]


class OneOfField(serializers.ChoiceField):
    """One of several words. Also of one that is missing it is said which there are."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or (data not in self.choices and not (data == "" and self.allow_blank)):
            self.fail("invalid_choice")
        return data

    def fail(self, key: str, **about: Any) -> NoReturn:
        raise BadParameter(f"{name_of(self)} is one of {', '.join(self.choices)}.", field=name_of(self))


class InstantField(serializers.DateTimeField):
    """An instant with its zone. `or_ms`: or milliseconds since 1970; in a query always."""

    def __init__(self, *, or_ms: bool = False, in_query: bool = False, **options: Any) -> None:
        self.or_ms, self.in_query = or_ms, in_query
        super().__init__(**options)

    def to_internal_value(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return value  # a form of the console has read it
        if self.in_query:
            return instants.said_in_query(value, field=name_of(self))
        return instants.said_in_body(value, field=name_of(self), or_ms=self.or_ms)


class ListField(serializers.ListField):
    """A list of `low` to `high` entries (None: as many as a body holds); `of` says of what, for people."""

    def __init__(
        self, *, of: str, child: serializers.Field, high: int | None = None, low: int = 0, **options: Any
    ) -> None:
        self.of, self.low, self.high = of, low, high
        super().__init__(child=child, min_length=low or None, max_length=high, **options)

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list) or not self.low <= len(data) <= (self.high or len(data)):
            raise self._refusal(data)
        return [self.child.run_validation(entry) for entry in data]

    def _refusal(self, data: Any) -> BadParameter:
        name, many = name_of(self), ""
        if self.high is not None:
            many = f"{self.low} to {self.high} " if self.low else f"at most {self.high} "
        about = {"limit": self.high, "given": len(data) if isinstance(data, list) else None}
        known = {key: value for key, value in about.items() if value is not None}
        return BadParameter(f"{name} is a list of {many}{self.of}.", field=name, **known)


class AnyField(serializers.JSONField):
    """Any JSON, as it was sent: a service judges it, or looks for it in vain."""

    def to_internal_value(self, data: Any) -> Any:
        return data


class PageSizeField(serializers.IntegerField):
    """`limit` of a list's query: what is no number, or too large, is brought into bounds."""

    def __init__(self, *, usual: int, high: int, **options: Any) -> None:
        self.usual, self.high = usual, high
        options.setdefault("help_text", f"{usual} unless you say otherwise, at most {high}.")
        super().__init__(required=False, default=usual, **options)

    def to_internal_value(self, data: Any) -> int:
        said = str(data)
        wanted = int(said[:9]) if said.isascii() and said.isdigit() else 0
        return min(wanted, self.high) if wanted else self.usual
