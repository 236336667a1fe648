"""The copy's own redis-server: on loopback, with a password, every second on disk."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from deploy.embedded.supervising.children import Service

# A last start may have left a long log to read back.
LOADING_SECONDS = 60


class RedisUnreachable(Exception):
    pass


def configuration(*, port: int, password: str, folder: Path) -> str:
    return "\n".join(
        (
            "bind 127.0.0.1",
            f"port {port}",
            "protected-mode yes",
            f"requirepass {password}",
            "daemonize no",
            f'dir "{folder}"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "tcp-backlog 128",
            'logfile ""',
            "loglevel warning",
            "",
        )
    )


def service(*, configured_by: Path) -> Service:
    found = shutil.which("redis-server") or "redis-server"
    return Service(name="redis", argv=(found, str(configured_by)), stage=2)


async def until_answers(*, port: int, password: str) -> None:
    """Raises RedisUnreachable with its last answer."""
    loop = asyncio.get_running_loop()
    until = loop.time() + LOADING_SECONDS
    answer = "nothing"
    while loop.time() < until:
        try:
            answer = await asyncio.wait_for(_ping(port=port, password=password), 2)
        except (OSError, TimeoutError) as error:
            answer = str(error) or type(error).__name__
        if answer == "+PONG":
            return
        await asyncio.sleep(0.03)
    raise RedisUnreachable(f"redis-server on port {port} does not answer within {LOADING_SECONDS} s: {answer}")


async def _ping(*, port: int, password: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"AUTH {password}\r\nPING\r\n".encode())
        signed_in = (await reader.readline()).decode().strip()
        return (await reader.readline()).decode().strip() if signed_in == "+OK" else signed_in
    finally:
        writer.close()
