"""Bodies checked and answers shown by a serializer, without making the serializer anew.

REST framework copies every field of a serializer for every request: a third of what `GET /rooms/{id}` took. Its fields hold nothing of a
body or an answer, so one set of them serves all: for serializers that ask their `context` for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django.http import QueryDict
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import Serializer
from rest_framework.settings import api_settings

from liveroom.kernel.errors import BadParameter


@cache
def _only(shape: type[Serializer[Any]]) -> Serializer[Any]:
    made = shape()
    made.fields  # noqa: B018 - made here, before two threads share it
    return made


def fields_of(shape: type[Serializer[Any]]) -> Mapping[str, Any]:
    """The fields of the serializer that serves all."""
    return _only(shape).fields


def checked(shape: type[Serializer[Any]], data: Mapping[str, Any]) -> dict[str, Any]:
    """A body, or the parameters of a query, as `is_valid` leaves them: typed, without what was not sent. BadParameter."""
    said = data.dict() if isinstance(data, QueryDict) else data
    try:
        found: dict[str, Any] = _only(shape).run_validation(said)
    except ValidationError as error:
        raise bad_parameter(error) from None
    return found


# What REST framework finds by itself, said so that it helps.
_WORDS = {"required": "{} is missing; send it.", "null": "{} is null; send a value, or leave it out if it may be."}


def bad_parameter(error: ValidationError) -> BadParameter:
    """The first fault that a serializer found, as every other refusal of a field."""
    detail: Any = error.detail
    path: list[str] = []
    while isinstance(detail, dict | list):
        if isinstance(detail, dict):
            key, detail = next(iter(detail.items()))
            path.append(str(key))
        else:
            # Of a list of objects, those without a fault are empty.
            detail = next(one for one in detail if one)
    if path and path[-1] == api_settings.NON_FIELD_ERRORS_KEY:
        path.pop()
    place = ".".join(path)
    helpful = _WORDS.get(getattr(detail, "code", ""))
    words = helpful.format(place) if helpful else f"{place}: {detail}" if place else str(detail)
    return BadParameter(words, field=path[0] if path else "")


def shown(shape: type[Serializer[Any]], value: Any) -> dict[str, Any]:
    """What `shape(value).data` is."""
    found: dict[str, Any] = _only(shape).to_representation(value)
    return found


def all_shown(shape: type[Serializer[Any]], values: Iterable[Any]) -> list[dict[str, Any]]:
    """What `shape(values, many=True).data` is."""
    one = _only(shape).to_representation
    return [one(value) for value in values]
