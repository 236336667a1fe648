"""JSON at the REST doors: RFC 8259 and nothing that only some readers accept."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveroom.kernel.web.strict_json import MAX_DEPTH, RepeatedKey, strict_json

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values, st.booleans())
def test_whatever_is_json_is_read_as_it_was_written(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert strict_json(text) == value
    assert strict_json(text.encode()) == value


@pytest.mark.parametrize(
    "raw",
    [
        b"NaN", b'{"a": NaN}', b"Infinity", b"[-Infinity]", b"{'a': 1}", b"{a: 1}", b"[1,]", b"", b"{", b"\xff", b"\xef\xbb\xbf{}",
        b'"\xed\xa0\x80"', rb'"\ud800"', rb'{"\udfff": 1}', b'{"a": 1} {"b": 2}', b"01", b'"\n"', b"1" * 5000,
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(raw):
    with pytest.raises(ValueError):
        strict_json(raw)


@pytest.mark.parametrize("raw", ['{"a": 1, "a": 1}', '{"x": {"a": 1, "\\u0061": 2}}'])
def test_a_key_that_comes_twice_is_refused(raw):
    with pytest.raises(RepeatedKey, match="twice"):
        strict_json(raw)


def test_depth_is_counted_outside_of_texts_only():
    assert strict_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert strict_json(json.dumps("[" * 1000 + '\\"{{{')) == "[" * 1000 + '\\"{{{'
    with pytest.raises(ValueError, match="33 levels"):
        strict_json("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_a_bomb_costs_no_time():
    began = time.monotonic()
    with pytest.raises(ValueError, match="levels deep"):
        strict_json("[" * 100_000)
    assert time.monotonic() - began < 1


def test_pairs_of_surrogates_are_characters():
    assert strict_json(rb'"\ud83c\udf89"') == "🎉"
