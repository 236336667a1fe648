"""Redis and PostgreSQL for one run of the tests: own processes on free ports, everything in a temporary folder.

They end with the block, and with us if we are killed."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from deploy.embedded.ports import choose_inner
from deploy.embedded.run_as import User
from deploy.embedded.supervising.children import wrapped

STARTS_WITHIN_SECONDS = 30
# Of the packages, in the order in which they are tried; PostgreSQL refuses to run as root.
POSTGRES_USERS = ("postgres", "www-data", "nobody")


class CannotServe(Exception):
    pass


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Yields its address."""
    port = choose_inner(wanted={"redis": 0}, earlier={})["redis"]
    folder.mkdir()
    argv = ("redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder))
    with _server(wrapped(argv, user=None), log=folder / "log", answers=lambda: _accepts(port)):
        yield f"redis://127.0.0.1:{port}/0"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Files of a PostgreSQL that does not run yet. `argv` starts it; `server` is the address of its first database."""

    folder: Path
    argv: tuple[str, ...]
    user: User | None
    server: str

    def starting(self, settings: Mapping[str, object]) -> list[str]:
        """The command for `setpriv` and whoever runs it, with more settings."""
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return wrapped((*self.argv, *options), user=self.user)

    def answers(self) -> bool:
        return _answers(self.server)


# Speed over what a test never needs: the cluster does not outlive the run.
CARELESS: Mapping[str, object] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextlib.contextmanager
def postgres_cluster(folder: Path, *, settings: Mapping[str, object] = CARELESS) -> Iterator[str]:
    """Yields the address of an empty database on a new cluster that only its socket in `folder` reaches."""
    cluster = new_cluster(folder)
    with _server(cluster.starting(settings), log=folder / "log", answers=cluster.answers):
        yield another_database(cluster.server, name="liveroom")


def new_cluster(folder: Path) -> Cluster:
    """Its files, made in `folder`. CannotServe."""
    tools = postgres_tools()
    folder.mkdir()
    user = _postgres_user()
    if user is not None:
        os.chown(folder, user.uid, user.gid)
    folder.chmod(0o755)  # the socket is for whoever the copies under test run as
    password = secrets.token_hex(16)
    secret = folder / "password"
    secret.write_text(password)
    if user is not None:
        os.chown(secret, user.uid, user.gid)
    data = folder / "data"
    made = subprocess.run(
        [
            *wrapped((str(tools / "initdb"),), user=user), "-D", str(data), "-U", "liveroom", "-A", "scram-sha-256",
            "--pwfile", str(secret), "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync",
        ],
        check=False, capture_output=True, text=True, cwd=folder,
    )  # fmt: skip
    if made.returncode != 0:
        raise CannotServe(f"initdb failed:\n{made.stdout}{made.stderr}")
    port = choose_inner(wanted={"postgres": 0}, earlier={})["postgres"]
    settings = {"unix_socket_directories": folder, "listen_addresses": "", "port": port, "max_connections": 200}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Cluster(
        folder=folder,
        argv=(str(tools / "postgres"), "-D", str(data), *options),
        user=user,
        server=f"postgres://liveroom:{password}@:{port}/postgres?host={folder}",
    )


def postgres_tools() -> Path:
    """Where its programs are."""
    found = shutil.which("initdb")
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: path.split("/")[4].zfill(4))
    if folders and Path(folders[-1], "initdb").exists():
        return Path(folders[-1])
    if found:
        return Path(found).resolve().parent
    raise CannotServe("PostgreSQL is not installed (package postgresql).")


def _postgres_user() -> User | None:
    if os.geteuid() != 0:
        return None
    for name in POSTGRES_USERS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return User(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise CannotServe(f"PostgreSQL does not run as root, and there is no user {' or '.join(POSTGRES_USERS)}.")


@contextlib.contextmanager
def _server(argv: Sequence[str], *, log: Path, answers: Callable[[], bool]) -> Iterator[None]:
    with log.open("ab") as sink:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            cwd=log.parent,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + STARTS_WITHIN_SECONDS
        while not answers():
            if child.poll() is not None or time.monotonic() > until:
                raise CannotServe(f"what runs in {log.parent} did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.05)
        yield
    finally:
        # Not SIGTERM: PostgreSQL would wait for its clients.
        child.send_signal(signal.SIGINT)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _accepts(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def _answers(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def another_database(url: str, *, name: str) -> str:
    """A new database on the server of that one. Returns its address."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
