"""Waitress, as the web processes run it: Django in threads, a bounded queue, an end that lets requests finish.

Promises: at most `threads` requests run at once and QUEUE wait; who comes beyond that is told so at once. `/livez` is answered
whatever the others wait for. A request is read whole before a thread has to do with it (but for uploads: streamed_bodies.py), and an
answer up to 16 MB is written without one, so that slow clients hold none. SIGTERM: `/readyz` says 503, nobody new is let in, running
requests finish, the process ends. Why this server: decisions/0024."""

from __future__ import annotations

import logging
import os
import signal
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import orjson
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer, create_server
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import Error

from liveroom.kernel.errors import PROBLEM, problem_body
from liveroom.kernel.work import process
from liveroom.listening import BACKLOG, shared_socket
from liveroom.streamed_bodies import IsStreamed, OwnThreads, Parser, Task

# Requests that wait for a thread: some seconds of short ones. With more, a site needs more processes.
QUEUE = 256
# What nginx in front lets through, and a little more: its own refusals come first.
MOST_HEAD_BYTES, MOST_BODY_BYTES = 80 * 1024, 11 * 1024 * 1024
CONNECTIONS = 2000
IDLE_SECONDS = 60
# What was accepted just before the end has so long to say what it wants.
SETTLING_SECONDS = 0.3
# SIGTERM waits so long for running requests, SIGINT only that long.
FINISH_SECONDS, HURRY_SECONDS = 18.0, 2.0
GRACE_SECONDS = 1.5
# How often a server that ends looks whether it may.
LOOK_SECONDS = 0.02
# Of `struct tcp_info` (linux/tcp.h): for a socket that listens, how many wait to be accepted.
_TCP_INFO_UNACKED = struct.Struct("=24xI")

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Busy(Error):
    code, reason = 503, "Service Unavailable"


# By status: code and name of a refusal, as kernel/web/problems.py has them.
NAMES = {413: (80002, "too_large"), 431: (80002, "too_large"), 500: (10002, "internal"), 503: (10002, "unavailable")}


def problem_of(error: Error) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body of a request that never reached Django."""
    code, name = NAMES.get(error.code, (10004, "bad_request"))
    body = problem_body(status=error.code, code=code, name=name, detail=str(error.body))
    headers = [("Content-Type", PROBLEM), ("Cache-Control", "no-store")]
    return ([*headers, ("Retry-After", "1")] if error.code == 503 else headers), orjson.dumps(body)


class Channel(HTTPChannel):
    """A connection, whose errors have the shape of all others."""

    parser_class = Parser
    task_class = Task

    class error_task_class(HTTPChannel.error_task_class):  # type: ignore[name-defined,misc]
        def execute(self) -> None:
            error = self.request.error
            headers, body = problem_of(error)
            self.status = f"{error.code} {error.reason}"
            self.response_headers.extend(headers)
            self.set_close_on_finish()
            self.content_length = len(body)
            self.write(body)


class Threads(ThreadedTaskDispatcher):  # type: ignore[misc]
    """The threads that answer. What must not wait for them is answered by the thread that reads: `answer_at_once`."""

    def __init__(self, *, count: int) -> None:
        super().__init__()
        self.set_thread_count(count)
        self._at_once: deque[Any] = deque()
        self._own = OwnThreads()

    def add_task(self, task: Any) -> None:
        """`task`: a connection with a request that has been read."""
        request = task.requests[0]
        if request.error is None and request.streamed:
            if self._own.begin(task):
                return
            request.error = Busy("More is uploaded here than can be taken at the moment; try again.")
        elif request.error is None and request.path != "/livez":
            with self.lock:
                if len(self.queue) < QUEUE:
                    self.queue.append(task)
                    self.queue_cv.notify()
                    return
            request.error = Busy("More is asked here than can be answered at the moment; try again.")
        # Not here: whoever calls this holds the connection's lock.
        self._at_once.append(task)

    def answer_at_once(self) -> None:
        while self._at_once:
            self._at_once.popleft().service()


class WebServer:
    """`run` serves, and ends the process."""

    def __init__(
        self,
        *,
        application: Application,
        address: str,
        port: int,
        threads: int,
        is_streamed: IsStreamed = lambda method, path: False,
    ) -> None:
        """`is_streamed(method, path)`: of requests that read their body themselves (streamed_bodies.py)."""
        self._threads = Threads(count=threads)
        self._server: TcpWSGIServer = create_server(
            application,
            _dispatcher=self._threads,
            sockets=[shared_socket(address=address, port=port)],
            backlog=BACKLOG,
            threads=threads,
            ident=None,
            connection_limit=CONNECTIONS,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=10,
            max_request_header_size=MOST_HEAD_BYTES,
            max_request_body_size=MOST_BODY_BYTES,
            asyncore_use_poll=True,
            log_socket_errors=False,
            # Whom to believe is settings.LIVEROOM.trusted_proxies' matter (kernel/web/http.py).
            clear_untrusted_proxy_headers=False,
        )
        parser = type("OwnParser", (Parser,), {"is_streamed": staticmethod(is_streamed)})
        self._server.channel_class = type("OwnChannel", (Channel,), {"parser_class": parser})
        self._map = self._server._map
        self._ends_at: float | None = None

    def run(self) -> NoReturn:
        signal.signal(signal.SIGTERM, lambda *_: self._end(FINISH_SECONDS))
        signal.signal(signal.SIGINT, lambda *_: self._end(HURRY_SECONDS))
        process.now_serves()
        while self._ends_at is None:
            self._turn(1.0)
        settled_at = time.monotonic() + SETTLING_SECONDS
        self._close_door()
        while (now := time.monotonic()) < self._ends_at and (now < settled_at or self._is_busy()):
            self._turn(LOOK_SECONDS)
        # It holds nothing, and taking the interpreter apart took longer than all of this.
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)

    def _turn(self, seconds: float) -> None:
        """Reads and writes what can be, and waits for that at most so long."""
        wasyncore.poll2(seconds, self._map)
        self._threads.answer_at_once()

    def _end(self, seconds: float) -> None:
        """A signal's handler. The second one has no time left, whichever it is."""
        process.draining.set()
        if self._ends_at is not None:
            seconds = HURRY_SECONDS
        self._ends_at = time.monotonic() + seconds
        process.ends_within(seconds + GRACE_SECONDS)
        self._server.pull_trigger()

    def _close_door(self) -> None:
        """New connections go to the other processes on this port. Those that wait in our queue are taken first: closing would
        reset them."""
        while self._waiting_connections():
            self._server.handle_accept()
        wasyncore.dispatcher.close(self._server)

    def _waiting_connections(self) -> int:
        info = self._server.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        return int(_TCP_INFO_UNACKED.unpack_from(info)[0])

    def _is_busy(self) -> bool:
        return any(channel.requests or channel.total_outbufs_len for channel in self._server.active_channels.values())
