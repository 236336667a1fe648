"""The table of what runs, one screen: add a process here."""

from __future__ import annotations

import shutil
import signal
from dataclasses import replace
from pathlib import Path

from deploy.embedded.installing.system_packages import SEARCH
from deploy.embedded.supervising.children import Service

# What serves people ends first, then the door, then the memory (see `stage`; own_redis.py has 2).
SERVERS, DOOR = 0, 1


def prepare(*, checkout: Path, python: Path, run: Path) -> Service:
    """Migrations, static files, the demo, nginx.conf; once, before the rest."""
    argv = (str(python), str(checkout / "manage.py"), "prepare", "--json", str(run / "prepare.json"))
    return Service(name="prepare", argv=argv)


def table(*, checkout: Path, python: Path, run: Path, web_processes: int, socket_processes: int) -> tuple[Service, ...]:
    def command(name: str, verb: str) -> Service:
        return Service(name=name, argv=(str(python), str(checkout / "manage.py"), verb, "--name", name), stage=SERVERS)

    def rolling(name: str, verb: str) -> Service:
        # At SIGTERM they would take their time; a stop of everything has none.
        return replace(command(name, verb), stop_signal=signal.SIGINT, rolls=True)

    nginx = shutil.which("nginx", path=SEARCH) or "nginx"
    return (
        *(rolling(f"web-{number}", "run_web") for number in range(1, web_processes + 1)),
        *(rolling(f"socket-{number}", "run_socket") for number in range(1, socket_processes + 1)),
        command("gateway-1", "run_gateway"),
        command("media-1", "run_media"),
        command("srt-1", "run_srt"),
        command("relay-1", "run_relay"),
        command("archive-1", "run_archive"),
        Service(
            name="tasks-1",
            argv=(
                str(python), "-m", "celery", "--quiet", "-A", "liveroom", "worker", "--without-gossip",
                "--without-mingle", "--loglevel", "info", "-n", "tasks-1@%h",
            ),
            stage=SERVERS,
        ),
        Service(
            name="nginx",
            # "-e": else it complains about its compiled-in log, which an ordinary user may not open.
            argv=(nginx, "-e", "stderr", "-p", str(run / "nginx"), "-c", str(run / "nginx.conf")),
            stage=DOOR,
        ),
    )  # fmt: skip
