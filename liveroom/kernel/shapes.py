"""Bodies checked and answers shown by a serializer, without making the serializer anew.

REST framework copies every field of a serializer for every request: a third of what `GET /rooms/{id}` took. Its fields hold nothing of a
body or an answer, so one set of them serves all: for serializers that ask their `context` for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django.http import QueryDict
from rest_framework.serializers import Serializer


@cache
def _only(shape: type[Serializer[Any]]) -> Serializer[Any]:
    made = shape()
    made.fields  # noqa: B018 - made here, before two threads share it
    return made


def checked(shape: type[Serializer[Any]], data: Mapping[str, Any]) -> dict[str, Any]:
    """A body, or the parameters of a query, as `is_valid` leaves them in `validated_data`: typed, without what was not sent.

    BadParameter, or REST framework's ValidationError, which `kernel.problems` tells in the same way."""
    said = data.dict() if isinstance(data, QueryDict) else data
    found: dict[str, Any] = _only(shape).run_validation(said)
    return found


def shown(shape: type[Serializer[Any]], value: Any) -> dict[str, Any]:
    """What `shape(value).data` is."""
    found: dict[str, Any] = _only(shape).to_representation(value)
    return found


def all_shown(shape: type[Serializer[Any]], values: Iterable[Any]) -> list[dict[str, Any]]:
    """What `shape(values, many=True).data` is."""
    one = _only(shape).to_representation
    return [one(value) for value in values]
