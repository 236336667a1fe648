"""The gateway process from start to SIGTERM: wires the parts, serves, and lets go of everything within five seconds."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import socket

import aiohttp
from aiohttp import web

from streams.engines.base import Engine
from streams.gateway import handlers
from streams.gateway.desk.hearing import Desks
from streams.gateway.dvr.recorder import Windows
from streams.gateway.engine_watch import EngineWatch, fetch_from
from streams.gateway.gateway import Gateway, Tell
from streams.gateway.policies import Load, Policies
from streams.gateway.sent import TellSent
from streams.gateway.settings import GatewaySettings

log = logging.getLogger(__name__)

_OPEN_FILES = 65536


class Server:
    """`start` and `stop`; between them it serves."""

    def __init__(
        self,
        *,
        settings: GatewaySettings,
        engine: Engine,
        load_policy: Load,
        tell: Tell | None = None,
        tell_sent: TellSent | None = None,
        desks: Desks | None = None,
        windows: Windows | None = None,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._load_policy = load_policy
        self._tell, self._tell_sent = tell, tell_sent
        self._desks = desks
        self._windows = windows
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._gateway: Gateway | None = None

    async def start(self) -> Gateway:
        """OSError where the port is taken."""
        # Two connections: the watch's and a spare; nginx closes idle ones, aiohttp then asks again.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=2), cookie_jar=aiohttp.DummyCookieJar()
        )
        gateway = self._gateway = Gateway(
            settings=self._settings,
            engine=self._engine,
            watch=EngineWatch(fetch=fetch_from(session=self._session, engine=self._engine)),
            policies=Policies(load=self._load_policy),
            tell=self._tell,
            tell_sent=self._tell_sent,
            windows=self._windows,
        )
        self._runner = web.AppRunner(
            handlers.application(gateway, self._desks),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=1.0,
            keepalive_timeout=30.0,
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener(), backlog=4096).start()
        gateway.start()
        return gateway

    async def stop(self) -> None:
        if self._runner is not None:
            for site in list(self._runner.sites):
                await site.stop()
        if self._desks is not None:
            await self._desks.stop()
        if self._gateway is not None:
            await self._gateway.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def _listener(self) -> socket.socket:
        """Accepted connections inherit the send buffer: left alone, the kernel would keep half a minute of a slow viewer's past."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._settings.send_buffer_bytes)
        try:
            listener.bind((self._settings.host, self._settings.port))
        except OSError:
            listener.close()
            raise
        return listener


def _allow_many_viewers() -> None:
    """Each viewer is an open file; 1,024 is what processes are born with."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def serve(server: Server) -> None:
    """Until SIGTERM or SIGINT."""
    _allow_many_viewers()
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await server.start()
    try:
        await stopping.wait()
    finally:
        await asyncio.wait_for(server.stop(), 5.0)
