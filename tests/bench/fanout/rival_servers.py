"""The others, each as its own documentation would have it, in one process, with compression off and its log quiet.

They are installed where the benchmark keeps its things, not into the project (`tools.py`)."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.fanout.load import Load, Target
from tests.bench.fanout.processes import children_of, environment, free_port, redis_server, running
from tests.bench.fanout.tools import NCHAN_MODULE, RIVALS, Tools

WINDOW_MS = 100

NCHAN = """
load_module {module};
daemon off;
{user}
worker_processes 1;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    nchan_shared_memory_size 256m;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /room {{
            nchan_pubsub websocket;
            nchan_channel_id room;
            nchan_subscriber_first_message newest;
        }}
    }}
}}
"""


@contextlib.contextmanager
def nchan(tools: Tools, load: Load, folder: Path) -> Iterator[Target]:
    port, config = free_port(), folder / "nchan.conf"
    user = "user root;" if tools.root else ""
    config.write_text(NCHAN.format(module=NCHAN_MODULE, folder=folder, port=port, user=user))
    argv = [tools.nginx, "-e", "stderr", "-p", str(folder), "-c", str(config)]
    with running(argv, folder=folder, port=port) as pid:
        yield Target(url=f"ws://127.0.0.1:{port}/room", pids={"server": (pid, *children_of(pid))})


@contextlib.contextmanager
def ws(tools: Tools, load: Load, folder: Path, *, window_ms: int = 0) -> Iterator[Target]:
    port = free_port()
    argv = [tools.node, str(tools.rivals / "hub.js"), str(port), str(window_ms)]
    with running(argv, folder=folder, port=port) as pid:
        yield Target(url=f"ws://127.0.0.1:{port}/", pids={"server": (pid,)})


@contextlib.contextmanager
def ws_windows(tools: Tools, load: Load, folder: Path) -> Iterator[Target]:
    with ws(tools, load, folder, window_ms=WINDOW_MS) as target:
        yield target


@contextlib.contextmanager
def socketio(tools: Tools, load: Load, folder: Path) -> Iterator[Target]:
    port = free_port()
    with redis_server(folder) as (redis_port, redis_pid):
        argv = [tools.node, str(tools.rivals / "socketio.js"), str(port), str(redis_port)]
        with running(argv, folder=folder, port=port) as pid:
            yield Target(
                url=f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket",
                pids={"server": (pid,), "redis": (redis_pid,)},
                options=("--hello", "40", "--ready", "40{", "--prefix", '42["chat",', "--suffix", "]"),
            )


@contextlib.contextmanager
def channels(tools: Tools, load: Load, folder: Path, *, layer: str) -> Iterator[Target]:
    port = free_port()
    with redis_server(folder) as (redis_port, redis_pid):
        env = environment(LAYER=layer, REDIS_PORT=str(redis_port), PYTHONPATH=f"{tools.python_packages}:{RIVALS}")
        argv = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), "tutorial:application"]
        with running(argv, folder=folder, port=port, env=env) as pid:
            yield Target(
                url=f"ws://127.0.0.1:{port}/ws/chat/room/",
                pids={"server": (pid,), "redis": (redis_pid,)},
                options=("--prefix", '{"message":', "--suffix", "}"),
            )


@contextlib.contextmanager
def bare(tools: Tools, load: Load, folder: Path) -> Iterator[Target]:
    port = free_port()
    with running([sys.executable, str(RIVALS / "bare.py"), str(port)], folder=folder, port=port) as pid:
        yield Target(url=f"ws://127.0.0.1:{port}/", pids={"server": (pid,)})
