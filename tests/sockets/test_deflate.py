"""permessage-deflate: frames that are compressed once for all, read by a real library and a real browser."""

from __future__ import annotations

import json
import socket
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame as LibraryFrame
from websockets.streams import StreamReader
from websockets.utils import accept_key

from interactions.delivery.fanout.deflate import WORTH_BYTES, deflated_frame
from tests.helpers.browser import browser
from tests.helpers.sockets import calling
from tests.helpers.wire import masked, memory_bytes, wired

OFFER = "Sec-WebSocket-Extensions: permessage-deflate"
COMPRESSED = json.dumps({"type": "batch", "events": [{"text": f"hello {n}, 太好了"} for n in range(40)]}).encode()
BIG = json.dumps({"events": ["%x" % (7**n % 2**61) for n in range(9_000)]}).encode()


@given(st.binary(max_size=4000) | st.text(max_size=4000).map(str.encode))
def test_what_is_compressed_is_read_again_by_a_library(payload):
    """Each frame by itself and one after the other, by a client that keeps its window and one that does not."""
    for takeover in (False, True):
        extension = PerMessageDeflate(
            remote_no_context_takeover=not takeover,
            local_no_context_takeover=True,
            remote_max_window_bits=15,
            local_max_window_bits=15,
        )
        reader = StreamReader()
        reader.feed_data(deflated_frame(payload) * 2)
        for _ in range(2):
            parsing = LibraryFrame.parse(reader.read_exact, mask=False, max_size=None, extensions=[extension])
            with pytest.raises(StopIteration) as done:
                next(parsing)
            assert bytes(done.value.value.data) == payload


def test_a_tick_of_comments_gets_smaller_and_a_short_one_is_left_alone():
    assert len(deflated_frame(COMPRESSED)) < len(COMPRESSED) / 3
    assert deflated_frame(COMPRESSED)[0] == 0xC1
    assert deflated_frame(b"x" * (WORTH_BYTES - 1))[0] == 0x81
    assert len(deflated_frame(BIG)) > 65_536


def _negotiated(head: bytes) -> set[str]:
    said = next((line for line in head.decode().split("\r\n") if line.lower().startswith("sec-websocket-ext")), "")
    return {word.strip() for word in said.partition(":")[2].split(";") if word.strip()}


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        ("permessage-deflate", True),
        ("permessage-deflate; client_max_window_bits", True),
        ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", True),
        ("permessage-deflate; server_max_window_bits=15", True),
        # Our frames are compressed for all; this one could not read them.
        ("permessage-deflate; server_max_window_bits=10", False),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", True),
        ("x-webkit-deflate-frame", False),
    ],
)
def test_the_server_takes_an_offer_only_without_context_takeover(sockets, offer, said):
    with wired(sockets.port, headers=(f"Sec-WebSocket-Extensions: {offer}",)) as wire:
        found = _negotiated(wire.head)
        assert ({"permessage-deflate", "server_no_context_takeover", "client_no_context_takeover"} <= found) is said
        assert bool(found) is said
        wire.says(id=1, type="ping")
        assert wire.hears().json["ok"]


def test_commands_may_come_compressed_and_a_bomb_is_refused(sockets):
    def squeezed(payload: bytes) -> bytes:
        work = zlib.compressobj(9, zlib.DEFLATED, -15)
        return (work.compress(payload) + work.flush(zlib.Z_SYNC_FLUSH))[:-4]

    with wired(sockets.port, headers=(OFFER,)) as wire:
        for number in range(3):
            wire.send(masked(squeezed(b'{"id": %d, "type": "ping"}' % number), first=0xC1))
            assert wire.hears().json["id"] == number
        before = memory_bytes(sockets.child.pid)
        wire.send(masked(squeezed(b"x" * 10_000_000), first=0xC1))
        assert wire.code() == 1009
        assert memory_bytes(sockets.child.pid) - before < 5_000_000
    with wired(sockets.port, headers=(OFFER,)) as wire:
        wire.send(masked(b"\xff" * 50, first=0xC1))
        assert wire.code() == 1007


def test_a_library_that_compresses_is_served(sockets):
    with calling(sockets.url, compression="deflate") as phone:
        assert "permessage-deflate" in phone.socket.response.headers["Sec-WebSocket-Extensions"]
        assert phone.asks("ping", padding="x" * 10_000)["ok"]


READS_FOUR = """
const line = new WebSocket(args[0]);
const heard = [];
return await new Promise((done, failed) => {
  line.onmessage = (event) => { heard.push(event.data); if (heard.length === 4) done(heard); };
  line.onclose = (event) => failed(new Error(`closed with ${event.code}`));
});
"""


def _frames_for_one(listener: socket.socket, frames: bytes) -> None:
    """A handshake as our server answers it, the frames, and silence until the other side goes."""
    line, _ = listener.accept()
    with line:
        asked = line.recv(65536).decode()
        key = next(row.split(": ")[1] for row in asked.split("\r\n") if row.startswith("Sec-WebSocket-Key"))
        answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        said = "permessage-deflate; client_no_context_takeover; server_no_context_takeover"
        answer += f"Sec-WebSocket-Accept: {accept_key(key)}\r\nSec-WebSocket-Extensions: {said}\r\n\r\n"
        line.sendall(answer.encode() + frames)
        while line.recv(65536):
            pass


def test_a_browser_reads_compressed_and_plain_frames_in_turn(sockets):
    payloads = [COMPRESSED, b'{"plain": 1}', COMPRESSED, BIG]
    with socket.create_server(("127.0.0.1", 0)) as listener, browser() as window:
        frames = b"".join(map(deflated_frame, payloads))
        threading.Thread(target=_frames_for_one, args=(listener, frames), daemon=True).start()
        window.open(f"http://127.0.0.1:{sockets.port}/livez")
        heard = window.run_async(READS_FOUR, f"ws://127.0.0.1:{listener.getsockname()[1]}/")
    assert [text.encode() for text in heard] == payloads


def test_a_browser_agrees_with_our_handshake(sockets):
    with browser() as window:
        window.open(f"http://127.0.0.1:{sockets.port}/livez")
        answer = window.run_async(
            "const line = new WebSocket(args[0]);"
            "await new Promise((done, failed) => { line.onopen = done; line.onerror = failed; });"
            "line.send(JSON.stringify({ id: 1, type: 'ping', padding: 'x'.repeat(10000) }));"
            "const said = await new Promise((done) => { line.onmessage = (event) => done(event.data); });"
            "return { said: JSON.parse(said), extensions: line.extensions };",
            sockets.url,
        )
    assert answer["said"]["ok"]
    assert "permessage-deflate" in answer["extensions"]
