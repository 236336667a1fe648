"""Watermarks: what is marked for whom, and what an invisible number stands for."""

from __future__ import annotations

import pytest

from liveroom.kernel import clock
from streams.models import Mark
from streams.watermarks import selectors
from streams.watermarks.marks import mark_for
from tests.helpers.people import Cast

pytestmark = pytest.mark.django_db


def test_a_number_names_what_it_was_made_for(cast: Cast):
    said = {"app": cast.app, "purpose": Mark.Purpose.RELAY, "reference": "relay:1", "now": clock.now()}
    mark = mark_for(**said, stream=cast.stream.name, room="r1", target="rtmp://live.example.com/app/…")
    assert mark_for(**said) == mark
    found = selectors.named(mark.number)
    assert found is not None
    assert (found.purpose, found.stream, found.room, found.sdkappid) == (
        "relay",
        cast.stream.name,
        "r1",
        cast.app.sdkappid,
    )
    assert "rtmp://live.example.com/app/…" in found.words
    assert cast.stream.name in found.words


@pytest.mark.parametrize("number", [0, -1, 2**32, 2**80, 77])
def test_a_number_that_nobody_gave_out_names_nothing(number: int):
    assert selectors.named(number) is None
