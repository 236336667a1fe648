"""Answers in the shape of a serializer, without making the serializer anew.

REST framework copies every field of a serializer for every answer: a third of what `GET /rooms/{id}` took. Its fields hold nothing of an
answer, so one set of them serves all: for reading only, and for serializers that ask their `context` for nothing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from rest_framework.serializers import Serializer


@cache
def _only(shape: type[Serializer[Any]]) -> Serializer[Any]:
    made = shape()
    made.fields  # noqa: B018 - made here, before two threads share it
    return made


def shown(shape: type[Serializer[Any]], value: Any) -> dict[str, Any]:
    """What `shape(value).data` is."""
    found: dict[str, Any] = _only(shape).to_representation(value)
    return found


def all_shown(shape: type[Serializer[Any]], values: Iterable[Any]) -> list[dict[str, Any]]:
    """What `shape(values, many=True).data` is."""
    one = _only(shape).to_representation
    return [one(value) for value in values]
