"""Bodies that are no JSON object, at every door that takes one: a problem with a sentence, never a 500."""

from __future__ import annotations

import json

import pytest

from tests.helpers.problems import given, refused

pytestmark = pytest.mark.django_db

DOORS = [
    ("post", "rooms"), ("patch", "rooms/r1"), ("post", "rooms/r1/status"), ("put", "rooms/r1/allow-list"), ("put", "rooms/r1/attributes"),
    ("patch", "rooms/r1/attributes"), ("patch", "rooms/r1/counters"), ("patch", "me"), ("post", "rooms/r1/messages"),
    ("post", "rooms/r1/streams"), ("put", "rooms/r1/programme"), ("post", "rooms/r1/polls"), ("put", "rooms/r1/pin"),
    ("post", "rooms/r1/questions"),
]  # fmt: skip
BODIES = [
    b"hello", b"{", b"[]", b"7", b"null", b'"x"', b'{"title": NaN}', b'{"title": Infinity}', b'{"a": 1, "a": 2}', b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"[" * 100_000, b'{"a":' * 100_000, b'{"a": "\\ud800"}', b"{'a': 1}", b"title=x", b"1" * 100_000, b"\x00",
]  # fmt: skip


def send(cast, door, body: bytes, content_type: str = "application/json"):
    method, path = door
    api = cast.api(cast.stella)
    return api.client.generic(
        method.upper(),
        f"/api/v1/{path}",
        body,
        content_type=content_type,
        headers={"Authorization": f"Bearer {api.bearer}"},
    )


@pytest.mark.parametrize("door", DOORS, ids=" ".join)
def test_what_is_no_object_is_refused(cast, door):
    for body in BODIES:
        refused(send(cast, door, body), 400)


@pytest.mark.parametrize("door", DOORS, ids=" ".join)
def test_a_body_of_another_kind_is_refused(cast, door):
    refused(send(cast, door, b"a=b", "application/x-www-form-urlencoded"), 415)
    refused(send(cast, door, b"<a/>", "text/xml"), 415)


@pytest.mark.parametrize("door", DOORS, ids=" ".join)
def test_a_body_that_is_too_large_is_refused_with_the_limit(cast, door):
    problem = refused(send(cast, door, json.dumps({"title": "x" * 2_000_000}).encode()), 413, 80002)
    assert "1,048,576" in problem["detail"]


def test_a_deep_value_in_a_good_object_is_refused(cast):
    deep = b'{"title": "x", "fields": ' + b'{"a":' * 40 + b"1" + b"}" * 41
    assert "levels deep" in refused(send(cast, ("post", "rooms"), deep), 400)["detail"]


@pytest.mark.parametrize("value", [None, 5, 1.5, True, [], {}, [[]], "\x00", "x" * 5000, 10**400, -(2**63) - 1, 1e308])
def test_any_value_in_any_field_is_stored_or_refused(cast, value):
    fields = [
        "title", "introduction", "notice", "category", "tags", "cover", "starts_at", "viewer_limit", "bandwidth_limit_kbps",
        "fields", "visibility", "password", "allow_list_only", "id", "owner", "app", "by", "now", "group_id", "room", "self", "",
    ]  # fmt: skip
    for field in fields:
        for method, path in (("post", "rooms"), ("patch", "rooms/r1")):
            answer = send(cast, (method, path), json.dumps({"title": "A room", field: value}).encode())
            assert answer.status_code < 500, (field, answer.content)
            if answer.status_code >= 400:
                refused(answer, answer.status_code)
    given(cast.api(cast.stella).get("rooms/r1"))


@pytest.mark.parametrize(
    "starts", ["tomorrow", "2026-01-01", "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
               "2026-13-01T00:00:00Z", "2026-01-01T25:00:00Z", "", 5, [], {}]
)  # fmt: skip
def test_an_instant_that_is_none_is_refused(cast, starts):
    refused(cast.api(cast.stella).patch("rooms/r1", {"starts_at": starts}), 400, 10004)


def test_an_empty_body_changes_nothing(cast):
    before = given(cast.api(cast.stella).get("rooms/r1"))
    assert given(send(cast, ("patch", "rooms/r1"), b"")) == before


def test_an_address_that_is_not_there_and_a_method_that_is_not_taken(cast):
    api = cast.api(cast.stella)
    refused(api.get("nothing/here"), 404)
    refused(api.delete("rooms"), 405)
    refused(api.client.get("/api/v1/rooms", headers={"Accept": "text/html"}), 406)
