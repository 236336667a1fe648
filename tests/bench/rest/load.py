"""Asks for one address as nginx does, with a connection for each request. Run by __main__.py:

    python -m tests.bench.rest.load <port> <path> <connections> <seconds> <header>…

Prints JSON: `requests`, `seconds`, `p50_ms`, `p99_ms`. Anything but 200 ends it."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time


def ask(port: int, request: bytes) -> float:
    """Seconds from the connection to the last byte."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(request)
        parts = []
        while part := line.recv(65536):
            parts.append(part)
    answer = b"".join(parts)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"{answer[:600]!r}")
    return time.perf_counter() - began


def main() -> None:
    port, path, connections, seconds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    head = ["GET " + path + " HTTP/1.1", "Host: 127.0.0.1", "Connection: close", "Accept: */*", *sys.argv[5:]]
    request = ("\r\n".join(head) + "\r\n\r\n").encode()
    took: list[float] = []
    end = time.monotonic() + seconds

    def work() -> None:
        while time.monotonic() < end:
            took.append(ask(port, request))

    threads = [threading.Thread(target=work) for _ in range(connections)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ranked = sorted(took)
    print(
        json.dumps(
            {
                "requests": len(ranked),
                "seconds": time.monotonic() - began,
                "p50_ms": 1000 * ranked[len(ranked) // 2],
                "p99_ms": 1000 * ranked[int(len(ranked) * 0.99)],
            }
        )
    )


if __name__ == "__main__":
    main()
