"""The fields of REST bodies: strict, and refused as everywhere (liveroom/kernel/web/fields.py)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import QueryDict

from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web import fields
from liveroom.kernel.web.shapes import checked

pytestmark = pytest.mark.once


class Inner(fields.Shape):
    level = fields.WholeNumberField(0, 9)


class Body(fields.Shape):
    unknown = "There is no {name} here."

    title = fields.LineField(limit_bytes=8, filled=True)
    from_ = fields.WordField(required=False)
    count = fields.WholeNumberField(1, 5, null_means="none", required=False)
    tags = fields.ListField(of="texts", child=fields.LineField(limit_bytes=4), high=2, required=False)
    on = fields.YesNoField(required=False)
    mode = fields.OneOfField(choices=["set", "add"], default="set")
    at = fields.InstantField(required=False, allow_null=True)
    inner = Inner(required=False)


class Query(fields.Shape):
    limit = fields.PageSizeField(usual=20, high=100)
    on = fields.YesNoField(in_query=True, default=None)
    since = fields.InstantField(in_query=True, default=None)


def refusal(**body: Any) -> BadParameter:
    with pytest.raises(BadParameter) as found:
        checked(Body, body)
    return found.value


def test_what_is_good_comes_back_typed_and_without_what_was_not_sent():
    said = {"title": " é ", "from": "a", "count": None, "tags": ["x"], "on": False, "at": "2026-01-01T01:00:00+01:00"}
    assert checked(Body, said) == {
        "title": "é", "from": "a", "count": None, "tags": ["x"], "on": False, "mode": "set",
        "at": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    assert checked(Body, {"title": "x"}) == {"title": "x", "mode": "set"}


@pytest.mark.parametrize(
    ("body", "field", "limit"),
    [
        ({"title": "x" * 9}, "title", 8), ({"title": ""}, "title", None), ({"title": " "}, "title", None), ({"title": 5}, "title", None),
        ({"title": None}, "title", None), ({}, "title", None), ({"count": "5"}, "count", 5), ({"count": True}, "count", 5),
        ({"count": 1.0}, "count", 5), ({"count": 6}, "count", 5), ({"count": 10**400}, "count", 5), ({"count": 0}, "count", 1),
        ({"tags": "x"}, "tags", 2), ({"tags": ["a", "b", "c"]}, "tags", 2), ({"tags": ["x" * 5]}, "tags", 4),
        ({"tags": [None]}, "tags", None),
        ({"tags": [5]}, "tags", None), ({"on": 1}, "on", None), ({"on": "true"}, "on", None), ({"on": None}, "on", None),
        ({"mode": ["set"]}, "mode", None), ({"mode": "sub"}, "mode", None), ({"at": "tomorrow"}, "at", None), ({"at": 5}, "at", None),
        ({"inner": 5}, "inner", None), ({"inner": {}}, "inner", None), ({"inner": {"level": 10}}, "level", 9),
        ({"from": "\x00"}, "from", None),
        ({"from_": "a"}, "from_", None), ({"other": 1}, "other", None),
    ],
)  # fmt: skip
def test_what_is_not_is_refused_with_field_and_limit(body, field, limit):
    found = refusal(**{"title": "x", **body} if body and "title" not in body else body)
    assert (found.code, found.status, found.extra["field"], found.extra.get("limit")) == (10004, 400, field, limit)
    assert field in found.message


def test_a_query_is_read_as_words():
    assert checked(Query, QueryDict("")) == {"limit": 20, "on": None, "since": None}
    assert checked(Query, QueryDict("limit=5&on=true&since=1000")) == {
        "limit": 5, "on": True, "since": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
    }  # fmt: skip
    for junk, size in (("x", 20), ("0", 20), ("-1", 20), ("9" * 30, 100), ("١", 20)):
        assert checked(Query, QueryDict(f"limit={junk}"))["limit"] == size
    with pytest.raises(BadParameter, match="true or false"):
        checked(Query, QueryDict("on=1"))
