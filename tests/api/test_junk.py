"""Every address with whatever hypothesis thinks of: no answer is a 500, and every refusal is a problem."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.test_schema import operations
from tests.helpers.people import Cast

# What has broken a door somewhere before, and anything else.
names = st.one_of(
    st.sampled_from(
        [
            "r1",
            "mia",
            "stella",
            "NAME",
            "..",
            "\x00",
            "a\nb",
            "é",
            "🎉",
            "%",
            "a" * 300,
            "' OR 1=1 --",
            "<script>",
            "@TGS#",
            "-1",
            "0",
        ]
    ),
    st.text(max_size=60),
)
values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.sampled_from([2**63, -(2**63) - 1, 10**400, 0, -1]),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=40), names, st.sampled_from(["live", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "http://[", "#ff0000"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KNOWN = [
    "title", "introduction", "notice", "category", "tags", "cover", "starts_at", "viewer_limit", "fields", "visibility", "password",
    "allow_list_only", "id", "owner", "status", "users", "attributes", "version", "versions", "counters", "mode", "text", "cid",
    "color", "position", "label", "name", "stream", "reason", "until", "identifier", "expire", "nick", "avatar", "level", "role",
    "app", "now", "by", "user", "seconds",
]  # fmt: skip
bodies = st.one_of(
    st.dictionaries(st.sampled_from(KNOWN), values, max_size=5),
    st.dictionaries(names, values, max_size=3),
    values,
)
queries = st.dictionaries(
    st.sampled_from(
        ["sdkappid", "search", "category", "tag", "status", "owner", "sort", "limit", "cursor", "key", "on_air"]
    ),
    names,
    max_size=3,
)


@pytest.mark.django_db
@pytest.mark.usefixtures("engine")
@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_junk_is_refused_and_never_breaks_a_door(cast, data):
    """Each try is rolled back: what it did or broke is not the next one's business."""
    with transaction.atomic():
        knock(cast, data)
        transaction.set_rollback(True)


def knock(cast: Cast, data: Any) -> None:
    _, (method, path, operation) = data.draw(st.sampled_from(sorted(operations().items())))
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            word = data.draw(names)
            word = cast.stream.name if word == "NAME" else word
            path = path.replace("{" + parameter["name"] + "}", quote(word.encode("utf-8", "replace"), safe=""))
    headers = {}
    people = [None, cast.usersig(cast.stella), cast.usersig(cast.mia), cast.key.bearer, "junk", "a.b"]
    bearer = data.draw(st.sampled_from(people))
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    key = data.draw(st.none() | st.text(st.characters(max_codepoint=255), max_size=8))
    if key is not None:
        headers |= {"Idempotency-Key": key, "Room-Password": key}
    body = json.dumps(data.draw(bodies)) if method in ("post", "put", "patch") else ""
    query = "&".join(f"{name}={quote(value.encode('utf-8', 'replace'))}" for name, value in data.draw(queries).items())
    client = Client(raise_request_exception=True)
    answer = client.generic(method.upper(), f"{path}?{query}", body, content_type="application/json", headers=headers)
    assert answer.status_code < 500, (method, path, query, body, answer.content)
    if answer.status_code >= 400:
        assert answer["Content-Type"].startswith("application/problem+json")
