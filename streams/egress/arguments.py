"""What a child is told instead of an outside address, and the options that go with it. Pure.

A graph writes a placeholder where the address would stand: `… -i PLACEHOLDER …` to pull, the last word of an output to push (`-f flv
PLACEHOLDER`). It adds nothing else: protocols, formats, time-outs and RTMP's names are put in front of the placeholder here, behind what
the graph said, so that they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from streams.egress.rules import Address, Use

# A source that says nothing for so long is gone; the supervisor starts the child again.
SILENT_MICROSECONDS: Final = 12_000_000
# What may come over HTTP: FLV, MPEG-TS, MP4, and HLS with what its segments are. No list of files but HLS.
_HTTP_FORMATS: Final = "hls,flv,live_flv,mpegts,mov,aac,mp3,ac3,eac3,webvtt"


@dataclass(frozen=True, slots=True)
class Way:
    """`url`: what the child opens; it leads to `address`."""

    address: Address
    url: str


def use_of(placeholder: str, arguments: Sequence[str]) -> Use:
    """Pull where it follows `-i`, else push. ValueError: it is no word of its own, or stands there twice."""
    places = [at for at, word in enumerate(arguments) if word == placeholder]
    if len(places) != 1 or any(placeholder in word for word in arguments if word != placeholder):
        raise ValueError("A placeholder is one word of the arguments, and stands there once.")
    return Use.PULL if places[0] and arguments[places[0] - 1] == "-i" else Use.PUSH


def replaced(arguments: Sequence[str], ways: Mapping[str, Way]) -> list[str]:
    """The argument list with every placeholder replaced. `ways`: by placeholder."""
    answer: list[str] = []
    for word in arguments:
        way = ways.get(word)
        if way is None:
            answer.append(word)
        elif use_of(word, arguments) is Use.PULL:
            answer[-1:] = [*_before_input(way), "-i", way.url]
        else:
            answer += [*_before_output(way), way.url]
    return answer


def _before_input(way: Way) -> list[str]:
    scheme = way.address.scheme
    silent = str(SILENT_MICROSECONDS)
    if scheme in ("rtmp", "rtmps"):
        return [
            "-protocol_whitelist",
            "rtmp,tcp",
            "-format_whitelist",
            "flv,live_flv",
            "-rw_timeout",
            silent,
            *_rtmp(way, Use.PULL),
        ]
    if scheme == "rtsp":
        options = ["-protocol_whitelist", "rtsp,tcp", "-format_whitelist", "rtsp", "-f", "rtsp"]
        return [*options, "-rtsp_transport", "tcp", "-timeout", silent]
    if scheme == "srt":
        return ["-protocol_whitelist", "srt", "-format_whitelist", "mpegts", "-f", "mpegts", "-rw_timeout", silent]
    return ["-protocol_whitelist", "http,tcp,crypto", "-format_whitelist", _HTTP_FORMATS, "-rw_timeout", silent]


def _before_output(way: Way) -> list[str]:
    if way.address.scheme in ("rtmp", "rtmps"):
        return ["-rw_timeout", str(SILENT_MICROSECONDS), *_rtmp(way, Use.PUSH)]
    return []


def _rtmp(way: Way, use: Use) -> list[str]:
    """The names that go to the server, which would be read from the address: it must hear its own, not ours."""
    application, stream = rtmp_names(way.address)
    if use is Use.PULL:
        if stream.endswith((".f4v", ".mp4")):
            stream = f"mp4:{stream}"
        elif stream.endswith(".flv"):
            stream = stream.removesuffix(".flv")
    address = way.address
    host = f"[{address.host}]" if ":" in address.host else address.host
    usual = address.port == (443 if address.is_secure else 1935)
    url = f"{address.scheme}://{host}{'' if usual else f':{address.port}'}/{application}"
    return ["-rtmp_tcurl", url, "-rtmp_app", application, "-rtmp_playpath", stream]


def rtmp_names(address: Address) -> tuple[str, str]:
    """Application and stream, the query behind the latter. Three parts and more: the application has two of them, as players have it."""
    parts = address.path.lstrip("/").split("/")
    of_application = 1 if len(parts) < 3 or ":" in parts[1] else 2
    query = f"?{address.query}" if address.query else ""
    application, stream = "/".join(parts[:of_application]), "/".join(parts[of_application:])
    return (application, stream + query) if stream else (application + query, "")


def environment(*, proxy_port: int, nobody: str) -> dict[str, str]:
    """For every child that is let out: whatever it asks for by HTTP goes to our server. `nobody`: a name that no host has. An empty
    `no_proxy` would be read by ffmpeg as "every host that ends in a dot goes past the proxy"."""
    proxy = f"http://127.0.0.1:{proxy_port}"
    return {"http_proxy": proxy, "https_proxy": proxy, "all_proxy": proxy, "no_proxy": f"{nobody}.invalid"}
