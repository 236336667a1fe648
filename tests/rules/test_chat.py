"""What may be said, as far as it needs nothing but the value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interactions.chat.rules import is_color, is_nested_deeper, may_be_high

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def depth(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)


@given(JSON, st.integers(0, 6))
def test_json_is_nested_deeper_than_its_levels_say(value, most):
    assert is_nested_deeper(value, most) == (depth(value) > most)


@given(JSON)
def test_a_list_around_it_is_one_level_more(value):
    assert is_nested_deeper([value], depth(value))
    assert not is_nested_deeper([value], depth(value) + 1)


@given(st.integers(0, 0xFFFFFF))
def test_every_color_is_one_in_either_case(number):
    assert is_color(f"#{number:06x}")
    assert is_color(f"#{number:06X}")


@pytest.mark.parametrize(
    "value", ["", "#", "#12345", "#1234567", "123456", "#00ff0g", "#00ff00\n", "#٠٠٠٠٠٠", " #00ff00"]
)
def test_anything_else_is_no_color(value):
    assert not is_color(value)


@pytest.mark.parametrize(
    ("role", "acts_for_app", "may"),
    [("owner", False, True), ("admin", False, True), ("member", False, False), ("guest", False, False), ("member", True, True)],
)  # fmt: skip
def test_who_may_speak_with_high_priority(role, acts_for_app, may):
    assert may_be_high(role=role, acts_for_app=acts_for_app) is may
