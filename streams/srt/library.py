"""libsrt (Haivision, MPL-2.0), as much of it as a listener needs: ffmpeg brings it along, so it is there where pictures are.

Promise: plain Python values outside; every failure is an SrtError with the library's words. State: the library's own, one per process."""

from __future__ import annotations

import ctypes
import ipaddress
import socket
import struct
from collections.abc import Callable
from ctypes import util
from typing import Any, Final

_NAMES: Final = (
    "libsrt-gnutls.so.1.5",
    "libsrt.so.1.5",
    "libsrt-openssl.so.1.5",
    "libsrt-gnutls.so.1.4",
    "libsrt.so.1.4",
)
# srt.h
_RCVTIMEO, _REUSE, _LATENCY, _PASSPHRASE, _PEERIDLE = 14, 15, 23, 26, 55
_STREAMID, _TIMED_OUT = 46, 6003
# A live packet is at most this long.
_PACKET = 1500
_Hook = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)

FORBIDDEN = 1403


class SrtError(OSError):
    """What the library says."""


class NoLibrary(SrtError):
    """It is not on this machine."""


class Library:
    """Loaded and started."""

    def __init__(self) -> None:
        names = [*_NAMES, *(found for name in ("srt-gnutls", "srt") if (found := util.find_library(name)))]
        self._srt: Any = None
        for name in names:
            try:
                self._srt = ctypes.CDLL(name)
                break
            except OSError:
                continue
        if self._srt is None:
            raise NoLibrary("libsrt is not installed (it comes with ffmpeg).")
        self._srt.srt_getlasterror_str.restype = ctypes.c_char_p
        self._srt.srt_listen_callback.argtypes = [ctypes.c_int, _Hook, ctypes.c_void_p]
        self._checked(self._srt.srt_startup(), least=0)
        # Critical only: it writes to standard error by itself, addresses and all.
        self._srt.srt_setloglevel(2)

    def _checked(self, answer: int, *, least: int = 0) -> int:
        if answer < least:
            raise SrtError(self._srt.srt_getlasterror_str().decode("utf-8", "replace"))
        return answer

    def _set(self, handle: int, option: int, value: int | bytes) -> None:
        raw = struct.pack("i", value) if isinstance(value, int) else value
        self._checked(self._srt.srt_setsockflag(handle, option, raw, len(raw)))

    def listen(self, *, host: str, port: int, latency_ms: int, idle_ms: int, judge: Judge) -> Listener:
        """A listener on a UDP port. SrtError where it is taken."""
        handle = self._checked(self._srt.srt_create_socket())
        # Otherwise two copies would share a port, and each hear half.
        self._set(handle, _REUSE, 0)
        self._set(handle, _LATENCY, latency_ms)
        self._set(handle, _PEERIDLE, idle_ms)
        address = _packed(host, port)
        try:
            self._checked(self._srt.srt_bind(handle, address, len(address)))
            listener = Listener(self, handle, judge)
            self._checked(self._srt.srt_listen(handle, 64))
        except SrtError:
            self._srt.srt_close(handle)
            raise
        return listener


Judge = Callable[[str, str], "str | None"]
"""Asked for each caller with its stream id and its address, on the library's thread, so quickly: the passphrase that it must have; None: it
is refused."""


class Listener:
    def __init__(self, library: Library, handle: int, judge: Judge) -> None:
        self._library, self._handle, self._srt = library, handle, library._srt
        self._judge = judge
        # Kept: the library calls it as long as it listens.
        self._hook = _Hook(self._called)
        library._checked(self._srt.srt_listen_callback(handle, self._hook, None))

    def _called(self, _: Any, handle: int, version: int, peer: int, stream_id: bytes | None) -> int:
        try:
            passphrase = self._judge((stream_id or b"").decode("utf-8", "replace"), _address(peer))
            if passphrase is not None:
                self._library._set(handle, _PASSPHRASE, passphrase.encode())
                return 0
        except Exception:  # noqa: S110 - it must not cross into the library; whoever judges logs
            pass
        self._srt.srt_setrejectreason(handle, FORBIDDEN)
        return -1

    def accept(self) -> Connection:
        """The next caller that was let in. SrtError: the listener is closed."""
        raw, size = ctypes.create_string_buffer(128), ctypes.c_int(128)
        handle = self._library._checked(self._srt.srt_accept(self._handle, raw, ctypes.byref(size)))
        stream_id, length = ctypes.create_string_buffer(513), ctypes.c_int(513)
        self._srt.srt_getsockflag(handle, _STREAMID, stream_id, ctypes.byref(length))
        return Connection(self._library, handle, stream_id.value.decode("utf-8", "replace"), _unpacked(raw.raw))

    def close(self) -> None:
        self._srt.srt_close(self._handle)


class Connection:
    def __init__(self, library: Library, handle: int, stream_id: str, address: str) -> None:
        self._library, self._handle, self._srt = library, handle, library._srt
        self.stream_id, self.address = stream_id, address
        self._buffer = ctypes.create_string_buffer(_PACKET)
        library._set(handle, _RCVTIMEO, 1000)

    def read(self) -> bytes | None:
        """The next packet; b"": none for a second; None: the connection is over."""
        size = self._srt.srt_recvmsg(self._handle, self._buffer, _PACKET)
        if size > 0:
            return self._buffer.raw[:size]
        if size < 0 and self._srt.srt_getlasterror(None) == _TIMED_OUT:
            return b""
        return None

    def close(self) -> None:
        self._srt.srt_close(self._handle)


def _packed(host: str, port: int) -> bytes:
    if ":" in host:
        return struct.pack("=HHI16sI", socket.AF_INET6, socket.htons(port), 0, ipaddress.IPv6Address(host).packed, 0)
    return struct.pack("=HH4s8x", socket.AF_INET, socket.htons(port), ipaddress.IPv4Address(host).packed)


def _address(pointer: int) -> str:
    return _unpacked(ctypes.string_at(pointer, 28)) if pointer else ""


def _unpacked(raw: bytes) -> str:
    (family,) = struct.unpack_from("=H", raw)
    if family == socket.AF_INET:
        return str(ipaddress.IPv4Address(raw[4:8]))
    if family == socket.AF_INET6:
        address = ipaddress.IPv6Address(raw[8:24])
        return str(address.ipv4_mapped or address)
    return ""
