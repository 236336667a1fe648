"""The engine of these tests is the one in memory; what happens after a commit happens when a test says so."""

from __future__ import annotations

from typing import Any

import pytest

from streams.engines.fake import FakeEngine


@pytest.fixture(autouse=True)
def _in_memory(engine: FakeEngine) -> None: ...


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    """`with committed(): …` runs what waits for the commit at the end of the block."""
    return lambda: django_capture_on_commit_callbacks(execute=True)
