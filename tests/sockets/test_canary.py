"""The private parts of Twisted, Autobahn and Daphne that the hot lane leans on: there, and meaning what they meant.

When this fails after an upgrade, read what it says and the module it names, before the pins in deploy/requirements/run.in change."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers.canary import ATTRIBUTES, METHODS, gone
from tests.helpers.sockets import SocketProcess
from tests.helpers.wire import TEXT, Wire, masked

FIRST = "import django\ndjango.setup()\nfrom tests.helpers import canary\ncanary.listen({path!r})"


@pytest.mark.parametrize("extension", ["", "Sec-WebSocket-Extensions: permessage-deflate"])
def test_a_real_connection_is_as_the_hot_lane_takes_it_to_be(
    transactional_db: None, tmp_path: Path, extension: str
) -> None:
    notes = tmp_path / "notes"
    process = SocketProcess(data=tmp_path / "data", first=FIRST.format(path=str(notes)))
    try:
        wire = Wire(process.port, headers=(extension,) if extension else ())
        wire.send(masked(b'{"type":"ping","id":1}'))
        heard: list[dict[str, Any]] = []
        while not any(frame.get("type") != "canary" for frame in heard):
            frame = wire.hears()
            assert frame is not None
            assert frame.opcode == TEXT
            heard.append(frame.json)
    finally:
        process.stop()
    assert [json.loads(line) for line in notes.read_text().splitlines()] == [[]]
    assert [frame.get("type") for frame in heard[:2]] == ["canary", "canary"]


def test_what_is_gone_is_named() -> None:
    """Of a connection that has nothing of it, and of one where one thing is of another type."""
    names = {path.split(".")[0] for path, _, _ in ATTRIBUTES}
    sentences = gone(SimpleNamespace())
    assert all(any(sentence.startswith(name) for sentence in sentences) for name in names)
    assert all(any(f"The method {name} is gone" in sentence for sentence in sentences) for name in METHODS)
    changed = gone(SimpleNamespace(data=bytearray()))
    assert any(sentence.startswith("data is a bytearray and no bytes; liveroom/") for sentence in changed)
