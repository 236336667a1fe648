"""What goes over an RTSP connection, read as it passes: a server may not send its client elsewhere, and hears its own name. Pure.

ffmpeg follows a 3xx answer to any address, past every list of protocols. So an answer is passed on only if it is written in a form that
can be read in one way, and its status is not of that kind; all else ends the connection. Media comes interleaved on the same connection."""

from __future__ import annotations

import re
from typing import Final

from streams.egress.rules.refusing import AddressRefused

_LONGEST_HEAD: Final = 65_536
_LONGEST_BODY: Final = 1_000_000
_STATUS = re.compile(rb"RTSP/1\.[01] (\d{3})(?: [^\r\n]*)?")
_REQUEST = re.compile(rb"(?:OPTIONS|ANNOUNCE|SET_PARAMETER|GET_PARAMETER) [!-~]+ RTSP/1\.[01]")
# No $ at its beginning: there ffmpeg reads an interleaved frame.
_HEADER = re.compile(rb"[!#%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\x00]*|[ \t][^\r\n\x00]*")
_LENGTH = re.compile(rb"content-length:[ \t]*(\d{1,7})[ \t]*", re.IGNORECASE)


class _Messages:
    """Cuts a direction into interleaved frames, heads and bodies."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._passing = 0

    def feed(self, data: bytes) -> bytes:
        """What may go on. AddressRefused: the connection is over."""
        kept, out = self._kept, bytearray()
        kept += data
        while kept:
            if self._passing:
                out += kept[: self._passing]
                taken = min(self._passing, len(kept))
                del kept[:taken]
                self._passing -= taken
            elif kept[0] == 0x24:
                if len(kept) < 4:
                    break
                self._passing = 4 + int.from_bytes(kept[2:4], "big")
            else:
                # ffmpeg ends a line at \n whatever stands before it; so a head that mixes \n\n and \r\n\r\n must not have two ends.
                end = kept.find(b"\r\n\r\n")
                if end < 0:
                    if len(kept) > _LONGEST_HEAD:
                        raise AddressRefused("The RTSP server's answer is too long.")
                    break
                out += self._head(bytes(kept[:end])) + b"\r\n\r\n"
                self._passing = self._length(bytes(kept[:end]))
                del kept[: end + 4]
        return bytes(out)

    def _head(self, head: bytes) -> bytes:
        """What goes on of a head, without its end. AddressRefused."""
        return head

    @staticmethod
    def _length(head: bytes) -> int:
        found = [line for line in head.split(b"\r\n")[1:] if line.lower().lstrip().startswith(b"content-length")]
        if not found:
            return 0
        read = _LENGTH.fullmatch(found[0])
        if len(found) > 1 or read is None or int(read[1]) > _LONGEST_BODY:
            raise AddressRefused("The RTSP server's answer has no readable length.")
        return int(read[1])


class Answers(_Messages):
    """From the server to the child."""

    def _head(self, head: bytes) -> bytes:
        first, *headers = head.split(b"\r\n")
        status = _STATUS.fullmatch(first)
        if status is None and _REQUEST.fullmatch(first) is None:
            raise AddressRefused("The RTSP server's answer cannot be read.")
        if status is not None and status[1][:1] == b"3":
            raise AddressRefused(
                "The RTSP server sends on to another address (3xx), which is not followed; give that address itself."
            )
        if not all(_HEADER.fullmatch(header) for header in headers):
            raise AddressRefused("The RTSP server's answer cannot be read.")
        return head


class Requests(_Messages):
    """From the child to the server: `here`, the origin that the child was given, becomes `there`. Not where a digest covers it."""

    def __init__(self, *, here: str, there: str) -> None:
        super().__init__()
        self._here, self._there = here.encode(), there.encode()

    def _head(self, head: bytes) -> bytes:
        line, crlf, rest = head.partition(b"\r\n")
        if b"authorization: digest" in rest.lower():
            return head
        return line.replace(self._here, self._there, 1) + crlf + rest
