"""Compressed frames that are built once and sent to many (RFC 7692, without context takeover).

Promise: a frame depends on nothing that was sent before it, so the same bytes are right for every socket that negotiated
the extension; whoever did not negotiate it gets `frames.text_frame` of the same payload."""

from __future__ import annotations

import zlib

from interactions.delivery import frames

# RSV1 of a frame: "this message is compressed".
COMPRESSED = 0x40
# Below that, a frame does not get smaller; it is sent as it is, which the extension allows for each message.
WORTH_BYTES = 128
# A tick of four comments (1,179 bytes): 438 bytes at level 1, 420 at 6 and at 9, each in about 22 µs.
LEVEL = 6
TAIL = b"\x00\x00\xff\xff"


def deflated_frame(payload: bytes) -> bytes:
    """A server-to-client text frame: raw deflate, flushed, without the tail that RFC 7692 section 7.2.1 has removed.

    For sockets whose `extension["deflated"]` is true, and only for them. A short payload comes back uncompressed."""
    if len(payload) < WORTH_BYTES:
        return frames.text_frame(payload)
    squeezer = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, 8)
    squeezed = squeezer.compress(payload) + squeezer.flush(zlib.Z_SYNC_FLUSH)
    frame = bytearray(frames.text_frame(squeezed.removesuffix(TAIL)))
    frame[0] |= COMPRESSED
    return bytes(frame)
