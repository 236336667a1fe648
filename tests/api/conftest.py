"""The engine of these tests is the one in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from streams.engines import base
from streams.engines.fake import FakeEngine


@pytest.fixture
def engine(settings: Any) -> Iterator[FakeEngine]:
    settings.LIVEROOM_ENGINE = "fake"
    base._named.cache_clear()
    found = base.engine()
    assert isinstance(found, FakeEngine)
    yield found
    base._named.cache_clear()
