"""The engine of these tests is the one in memory; what happens after a commit happens when a test says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from streams.engines import base
from streams.engines.fake import FakeEngine


@pytest.fixture(autouse=True)
def engine(settings: Any) -> Iterator[FakeEngine]:
    settings.LIVEROOM_ENGINE = "fake"
    base._named.cache_clear()
    found = base.engine()
    assert isinstance(found, FakeEngine)
    yield found
    base._named.cache_clear()


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    """`with committed(): …` runs what waits for the commit at the end of the block."""
    return lambda: django_capture_on_commit_callbacks(execute=True)
