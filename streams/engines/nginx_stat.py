"""nginx-rtmp's `/stat` page, read: who publishes what, to how many.

Pure. The page repeats what clients say of themselves, byte for byte, so it is cleaned before it is parsed: a player that calls
itself a control character must not blind the reconciler."""

from __future__ import annotations

import re
from types import MappingProxyType
from xml.etree import ElementTree

from streams.engines.base import OURSELVES, EngineState, EngineStream, Publisher

APPLICATION = "live"
_LOOPBACK = ("127.0.0.1", "::1")

# What XML 1.0 forbids; nginx escapes <>&" and nothing else.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_BYTES = 64 * 1024 * 1024


def parse_state(xml: bytes, *, answered_at: int | None = None) -> EngineState:
    """The state that a `/stat` page shows. ValueError if it is no such page.

    `answered_at`: Unix seconds of the answer by the engine's own clock (its Date header). Less the uptime it gives the moment
    the engine started, which with its pid tells one run of the engine from the next, also where pids repeat (containers)."""
    if len(xml) > _MAX_BYTES:
        raise ValueError(f"a statistics page of {len(xml):,} bytes")
    text = _FORBIDDEN.sub("\ufffd", xml.decode("utf-8", "replace"))
    # nginx writes no document type; whoever does wants entities expanded.
    if "<!DOCTYPE" in text[:4096]:
        raise ValueError("a statistics page with a document type")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - our own loopback engine, no document type
    except ElementTree.ParseError as error:
        raise ValueError(f"not a statistics page: {error}") from None
    if root.tag != "rtmp":
        raise ValueError(f"not a statistics page: its root is {root.tag[:40]!r}")
    pid, uptime = root.findtext("pid", ""), _int(root.findtext("uptime"))
    started = "" if answered_at is None else f"-{answered_at - uptime}"
    streams: dict[str, EngineStream] = {}
    for application in root.iterfind("server/application"):
        if application.findtext("name") != APPLICATION:
            continue
        for element in application.iterfind("live/stream"):
            stream = _stream(element)
            if stream.name:
                streams[stream.name] = stream
    return EngineState(instance=f"{pid}{started}", streams=MappingProxyType(streams))


def _stream(element: ElementTree.Element) -> EngineStream:
    publisher: Publisher | None = None
    players = peers = 0
    viewers = []
    for client in element.iterfind("client"):
        address = client.findtext("address", "")
        peers += client.find("publishing") is None
        # The engine's own relay to the segments: its address names where it leads. A client's address is never chosen by the client.
        if "/" in address:
            continue
        if client.find("publishing") is None:
            players += 1
            # Our own pulls come over loopback and say so; whoever else says so comes from elsewhere.
            if client.findtext("flashver", "") != OURSELVES or address not in _LOOPBACK:
                viewers.append(client.findtext("id", ""))
        else:
            publisher = Publisher(
                client_id=client.findtext("id", ""),
                address=address,
                connected_ms=_int(client.findtext("time")),
            )
    return EngineStream(
        name=element.findtext("name", ""),
        publisher=publisher,
        players=players,
        viewers=tuple(viewers),
        width=_int(element.findtext("meta/video/width")),
        height=_int(element.findtext("meta/video/height")),
        frame_rate=float(_int(element.findtext("meta/video/frame_rate"))),
        video_codec=element.findtext("meta/video/codec", ""),
        audio_codec=element.findtext("meta/audio/codec", ""),
        bitrate_kbps=(_int(element.findtext("bw_video")) + _int(element.findtext("bw_audio"))) // 1000,
        bytes_in=_int(element.findtext("bytes_in")),
        bytes_out=_int(element.findtext("bytes_out")),
        peers=peers,
    )


def _int(text: str | None) -> int:
    """nginx prints whole numbers; anything else counts as not known."""
    stripped = (text or "").strip()
    return int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) <= 20 else 0
