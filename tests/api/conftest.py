"""The engine of these tests is the one in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from streams.engines import base
from streams.engines.fake import FakeEngine


@pytest.fixture(autouse=True)
def _cheap_passwords(settings: Any) -> None:
    """What makes guessing slow makes tests slow."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def engine(settings: Any) -> Iterator[FakeEngine]:
    settings.LIVEROOM_ENGINE = "fake"
    base._named.cache_clear()
    found = base.engine()
    assert isinstance(found, FakeEngine)
    yield found
    base._named.cache_clear()
