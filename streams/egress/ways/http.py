"""HTTP for children: one server on loopback, asked for `/<token>/<scheme>/<host:port>/<path>`; a token is one child's.

Promise: a child speaks plain HTTP to this server only. Every connection to outside is made here, to an address that was judged for it:
the first request, each redirect (followed here, five at most), and what a playlist names, as playlists are rewritten to lead here again.
TLS ends here too, with its certificate checked. A child that asks for anything else is refused (its `http_proxy` is this server,
so all it asks for comes here). Bounds: 16 requests at once for a child, playlists of two megabytes."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
from base64 import b64encode
from typing import Any, Final
from urllib.parse import unquote, urljoin

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from streams.egress.dialling import CONNECT_SECONDS, Dialler, Unreachable
from streams.egress.rules import Address, AddressRefused, Use, address, shown
from streams.egress.rules.networks import literal
from streams.egress.rules.playlists import MOST_BYTES, START, BadPlaylist, Watch, rewritten
from streams.egress.ways.book import Book
from streams.egress.ways.peers import is_ours

log = logging.getLogger(__name__)
# aiohttp's own: a request that cannot be read is a child's attempt to go elsewhere, answered with 400, and no error of ours.
_quiet = logging.getLogger(f"{__name__}.requests")
_quiet.setLevel(logging.CRITICAL)

SCHEMES: Final = ("http", "https")
_MOST_REDIRECTS: Final = 5
_MOST_AT_ONCE: Final = 16
_SILENT_SECONDS: Final = 15.0
_RANGE = re.compile(r"bytes=\d{0,15}-\d{0,15}")
_TARGET = re.compile(r"/(?P<token>[A-Za-z0-9_-]{20,40})/(?P<scheme>https?)/(?P<place>[^/]+)(?P<target>/.*)", re.DOTALL)
_BEGUN = web.RequestKey("begun", bool)
_PASSED = ("Content-Type", "Content-Range", "Accept-Ranges")


class _Resolver(AbstractResolver):
    """Names for aiohttp: what the dialler lets through and nothing else; asked for each connection."""

    def __init__(self, dialler: Dialler) -> None:
        self._dialler = dialler

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        found = await self._dialler.addresses(host=host, port=port)
        return [
            ResolveResult(hostname=host, host=str(ip), port=port, family=10 if ip.version == 6 else 2, proto=0, flags=0)
            for ip in found
        ]

    async def close(self) -> None:
        return


class HttpWay:
    """What one child may ask for: everything that is allowed, beginning at the addresses it was made for."""

    def __init__(self, *, server: HttpWays, dialler: Dialler, book: Book) -> None:
        self.book = book
        self.token = secrets.token_urlsafe(18)
        self._server, self._dialler = server, dialler
        self._logins: dict[str, str] = {}
        self._asked = 0
        connector = aiohttp.TCPConnector(
            resolver=_Resolver(dialler), use_dns_cache=False, limit=_MOST_AT_ONCE, ssl=dialler.tls, ttl_dns_cache=0
        )
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=_SILENT_SECONDS)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, trust_env=False,
            cookie_jar=aiohttp.CookieJar(unsafe=True),
        )  # fmt: skip

    def url(self, start: Address) -> str:
        """Where the child asks instead of at `start`. A login in it is kept here and sent to that origin only."""
        if start.login:
            self._logins[start.origin] = start.login
        return f"http://127.0.0.1:{self._server.port}/{self.token}/{start.scheme}/{start.place}{start.target}"

    async def close(self) -> None:
        await self._session.close()

    async def answer(self, request: web.BaseRequest, *, scheme: str, place: str, target: str) -> web.StreamResponse:
        if self._asked >= _MOST_AT_ONCE:
            return _refusal(503, "Too many requests at once.")
        self._asked += 1
        try:
            return await self._fetch(request, f"{scheme}://{place}{target}")
        except (AddressRefused, BadPlaylist) as error:
            self.book.note(str(error))
            _hang_up(request)
            return _refusal(403, str(error))
        except Unreachable as error:
            self.book.note(str(error))
            return _refusal(502, str(error))
        except (aiohttp.ClientError, TimeoutError, ConnectionError, ValueError) as error:
            if request.transport is None or request.transport.is_closing():
                return _refusal(502, "The child is gone.")
            self.book.note(f"{shown(f'{scheme}://{place}{target}')}: {_why(error)}")
            _hang_up(request)
            return _refusal(502, _why(error))
        finally:
            self._asked -= 1

    async def _fetch(self, request: web.BaseRequest, url: str) -> web.StreamResponse:
        headers = {"User-Agent": "Liveroom", "Accept": "*/*", "Accept-Encoding": "identity"}
        asked_range = request.headers.get("Range", "")
        if _RANGE.fullmatch(asked_range):
            headers["Range"] = asked_range
        for _ in range(_MOST_REDIRECTS + 1):
            at = self._judged(url)
            login = self._logins.get(at.origin)
            if login:
                headers["Authorization"] = "Basic " + b64encode(unquote(login).encode()).decode()
            else:
                headers.pop("Authorization", None)
            if literal(at.host) is not None:
                # aiohttp looks up names only.
                await self._dialler.addresses(host=at.host, port=at.port)
            async with self._session.get(
                URL(at.origin + at.target, encoded=True), headers=headers, allow_redirects=False
            ) as found:
                if found.status in (301, 302, 303, 307, 308) and found.headers.get("Location"):
                    url = urljoin(url, found.headers["Location"])
                    continue
                return await self._passed(request, found, base=url)
        raise AddressRefused(f"{shown(url)}: more than {_MOST_REDIRECTS} redirects.")

    def _judged(self, url: str) -> Address:
        read = address(url, use=Use.PULL, allow=self._dialler.allow)
        if read.scheme not in SCHEMES:
            raise AddressRefused(f"An answer sends on to an address of {read.scheme}, which is not followed.")
        return read

    async def _passed(
        self, request: web.BaseRequest, found: aiohttp.ClientResponse, *, base: str
    ) -> web.StreamResponse:
        if found.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise AddressRefused("The server answers in a compressed form that was not asked for.")
        chunks = found.content.iter_any()
        start = b""
        while len(start) < len(START):
            chunk = await anext(chunks, b"")
            if not chunk:
                break
            start += chunk
        self.book.bytes_in += len(start)
        if found.status not in (200, 206):
            # ffmpeg reads the body of whatever is below 400 as media.
            return _refusal(found.status if found.status >= 400 else 502, "The server has no media there.")
        if start.startswith(START):
            return await self._playlist(found, start, base=base)
        watch = Watch()
        watch.look(start)
        response = web.StreamResponse(status=found.status)
        for name in _PASSED:
            if name in found.headers:
                response.headers[name] = found.headers[name]
        if found.content_length is not None:
            response.content_length = found.content_length
        elif request.version >= aiohttp.HttpVersion11:
            response.enable_chunked_encoding()
        await response.prepare(request)
        request[_BEGUN] = True
        if start:
            await response.write(start)
        async for chunk in chunks:
            self.book.bytes_in += len(chunk)
            watch.look(chunk)
            await response.write(chunk)
        await response.write_eof()
        return response

    async def _playlist(self, found: aiohttp.ClientResponse, start: bytes, *, base: str) -> web.StreamResponse:
        body = bytearray(start)
        async for chunk in found.content.iter_any():
            body += chunk
            self.book.bytes_in += len(chunk)
            if len(body) > MOST_BYTES:
                break
        text = rewritten(bytes(body), base=base, way=self._way)
        kind = found.headers.get("Content-Type", "application/vnd.apple.mpegurl")
        return web.Response(body=text, headers={"Content-Type": kind, "Cache-Control": "no-store"})

    def _way(self, url: str) -> str:
        """Where an address that a playlist names is reached; one that is refused leads to a refusal."""
        try:
            return self.url(self._judged(url))
        except AddressRefused as error:
            self.book.note(f"A playlist names an address that is refused: {error}")
            return f"http://127.0.0.1:{self._server.port}/refused"


class _Listening(web.Server):
    """Hangs up on whoever is not of our user."""

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        here, peer = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        if peer is None or not is_ours(kind="tcp", port=peer[1], to=here[1]):
            log.warning("A connection to the ways out that is not of our children is refused.")
            transport.abort()
        super().connection_made(handler, transport)


class HttpWays:
    """The server. One for all children; opened with the first."""

    def __init__(self, *, dialler: Dialler) -> None:
        self._dialler = dialler
        self._ways: dict[str, HttpWay] = {}
        self._server: asyncio.Server | None = None
        self._opening = asyncio.Lock()
        self._handling: web.Server | None = None
        self.port = 0

    async def open(self, *, book: Book) -> HttpWay:
        async with self._opening:
            if self._server is None:
                self._handling = _Listening(self._answer, access_log=None, logger=_quiet)
                self._server = await asyncio.get_running_loop().create_server(self._handling, "127.0.0.1", 0)
                self.port = self._server.sockets[0].getsockname()[1]
        way = HttpWay(server=self, dialler=self._dialler, book=book)
        self._ways[way.token] = way
        return way

    async def leave(self, way: HttpWay) -> None:
        self._ways.pop(way.token, None)
        await way.close()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._handling is not None:
            await self._handling.shutdown(1.0)
        for way in list(self._ways.values()):
            await self.leave(way)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        # A child has this server as its proxy, and so asks in the long form.
        asked = request.raw_path.removeprefix(f"http://127.0.0.1:{self.port}")
        found = _TARGET.fullmatch(asked)
        way = self._ways.get(found["token"]) if found is not None else None
        if found is None or way is None or request.method != "GET":
            return _refusal(403, "That address is not let through.")
        try:
            return await way.answer(request, scheme=found["scheme"], place=found["place"], target=found["target"])
        except Exception:
            log.exception("A request of a child failed.")
            _hang_up(request)
            return _refusal(500, "It failed.")


def _refusal(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")


def _hang_up(request: web.BaseRequest) -> None:
    """An answer that has begun must not look complete."""
    if request.get(_BEGUN) and request.transport is not None:
        request.transport.abort()


def _why(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not good."
    if isinstance(error, aiohttp.ClientConnectorError):
        errno = error.os_error.errno
        return f"it cannot be reached ({os.strerror(errno).lower() if errno else 'no answer'})."
    if isinstance(error, TimeoutError):
        return "it does not answer in time."
    return "its answer cannot be read."
