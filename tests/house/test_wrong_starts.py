"""`deploy/up` with something wrong: one line for people that names what to change, no traceback, within 25 seconds."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from deploy.embedded.ports import choose_inner
from deploy.embedded.running_copy import CHECKOUT, NOT_INHERITED, PORTS

pytestmark = pytest.mark.timeout(120)

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else to become")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Open to pass through: started as root, some of this is tried as somebody else."""
    path = Path(tempfile.mkdtemp(prefix="liveroom-wrong-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def refusal(folder: Path, *, argv: tuple[str, ...] = ("deploy/up",), cwd: Path = CHECKOUT, **said: str) -> str:
    """The last line that a start prints, which says all."""
    kept = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED and not k.startswith("LIVEROOM_")}
    ports = {name: str(port) for name, port in choose_inner(wanted=dict.fromkeys(PORTS, 0), earlier={}).items()}
    env: Mapping[str, str] = {
        **kept, **ports, "LIVEROOM_SKIP_INSTALL": "1", "LIVEROOM_DATA": str(folder / "data"), **said
    }  # fmt: skip
    told = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=25, check=False)
    assert told.returncode not in (0, None), told.stdout
    assert "Traceback" not in told.stderr + told.stdout
    last = told.stderr.strip().splitlines()[-1]
    assert last.startswith("deploy/up: "), told.stderr
    assert "hunter22" not in told.stderr + told.stdout
    return last


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIVEROOM_HTTP_PORT", "http"),
        ("LIVEROOM_RTMP_PORT", "0"),
        ("LIVEROOM_BIND", "localhost"),
        ("LIVEROOM_BIND", "203.0.113.7"),
        ("LIVEROOM_PUBLIC_URL", "https://example.com/live"),
        ("DATABASE_URL", "postgres://u:hunter22@[::1/name"),
        ("DATABASE_URL", "postgres://u:hunter22@127.0.0.1:1/name?nonsense=1"),
        ("REDIS_URL", "redis://:hunter22@127.0.0.1:6379/zero"),
    ],
)
def test_a_bad_value_is_told_by_name(folder, name, value):
    assert name in refusal(folder, **{name: value})


def test_a_folder_that_nginx_cannot_read_is_told_before_anything_is_made(folder):
    assert "LIVEROOM_DATA" in refusal(folder, LIVEROOM_DATA=str(folder / "a$b"))
    assert not (folder / "a$b").exists()


def test_a_data_folder_that_is_a_file_or_below_one_is_told(folder):
    (folder / "file").touch()
    assert "is a file" in refusal(folder, LIVEROOM_DATA=str(folder / "file"))
    assert "LIVEROOM_DATA" in refusal(folder, LIVEROOM_DATA=str(folder / "file" / "data"))


def test_parts_of_a_data_folder_that_are_of_the_wrong_kind_are_told(folder):
    data = folder / "data"
    (data / "secret_key").mkdir(parents=True)
    assert str(data / "secret_key") in refusal(folder)
    other = folder / "other"
    other.mkdir()
    (other / ".liveroom").touch()
    (other / "run").touch()
    assert "LIVEROOM_DATA" in refusal(folder, LIVEROOM_DATA=str(other))


def test_a_database_file_that_is_none_is_told(folder):
    (folder / "data").mkdir()
    (folder / "data" / ".liveroom").touch()
    (folder / "data" / "db.sqlite3").write_text("shopping list\n" * 1000)
    last = refusal(folder)
    assert "db.sqlite3" in last
    assert "LIVEROOM_DATA" in last


def test_a_database_that_does_not_answer_is_told(folder):
    last = refusal(folder, DATABASE_URL="postgres://u:hunter22@127.0.0.1:1/name")
    assert "DATABASE_URL" in last
    assert "refused" in last


def test_a_redis_that_does_not_answer_is_told(folder):
    assert "REDIS_URL" in refusal(folder, REDIS_URL="redis://:hunter22@127.0.0.1:1/0")


def test_a_wrong_password_of_redis_is_told_at_once(folder, tmp_path):
    port = choose_inner(wanted={"redis": 0}, earlier={})["redis"]
    argv = ["redis-server", "--port", str(port), "--requirepass", "right", "--dir", str(tmp_path), "--save", ""]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as server:
        try:
            last = refusal(folder, REDIS_URL=f"redis://:hunter22@127.0.0.1:{port}/0")
        finally:
            server.terminate()
    assert "REDIS_URL" in last
    assert "password" in last.lower()


def test_two_ports_alike_are_told_also_where_one_is_an_inner_one(folder):
    port = str(choose_inner(wanted={"p": 0}, earlier={})["p"])
    last = refusal(folder, LIVEROOM_HTTP_PORT=port, LIVEROOM_GATEWAY_PORT=port)
    assert "LIVEROOM_HTTP_PORT and LIVEROOM_GATEWAY_PORT are both" in last


def test_a_loopback_port_that_rtmp_needs_beside_a_public_address_is_looked_at(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "LIVEROOM_RTMP_PORT" in refusal(folder, LIVEROOM_BIND="127.0.0.2", LIVEROOM_RTMP_PORT=port)


@AS_ROOT
def test_a_folder_of_somebody_else_is_told(folder):
    (folder / "data").mkdir()
    as_nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "deploy/up")
    assert "LIVEROOM_DATA" in refusal(folder, argv=as_nobody)
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    assert "LIVEROOM_DATA" in refusal(folder, argv=as_nobody, LIVEROOM_DATA=str(closed / "data"))


@AS_ROOT
def test_a_full_disk_is_told(folder):
    """In a mount namespace of its own: the small disk is gone with the command."""
    small = folder / "small"
    small.mkdir()
    script = f"mount -t tmpfs -o size=4m none {small} && exec deploy/up"
    probe = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "none", str(small)], capture_output=True, check=False
    )
    if probe.returncode:
        pytest.skip("no mounts here")
    last = refusal(folder, argv=("unshare", "-m", "sh", "-c", script), LIVEROOM_DATA=str(small / "data"))
    assert "LIVEROOM_DATA" in last
    assert "MB" in last


@pytest.fixture
def bare_checkout(folder) -> Path:
    """What a start without installation reads, and nothing that an installation makes."""
    bare = folder / "bare"
    for part in ("deploy", "liveroom/settings", "liveroom/kernel", "streams/egress/rules"):
        shutil.copytree(CHECKOUT / part, bare / part, ignore=shutil.ignore_patterns("__pycache__"))
    return bare


def test_a_start_without_packages_says_how_to_get_them(folder, bare_checkout):
    assert "LIVEROOM_SKIP_INSTALL" in refusal(folder, cwd=bare_checkout)
    (bare_checkout / ".venv" / "bin").mkdir(parents=True)
    shutil.copy("/bin/true", bare_checkout / ".venv" / "bin" / "python")
    python = bare_checkout / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.base_prefix}/bin/python3 -S -E "$@"\n')
    assert "LIVEROOM_SKIP_INSTALL" in refusal(folder, cwd=bare_checkout)


def test_a_taken_port_is_told_before_anything_is_installed(folder, bare_checkout):
    """With nothing installed, not even Django: the checkout is as it was cloned."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        last = refusal(folder, cwd=bare_checkout, LIVEROOM_SKIP_INSTALL="", LIVEROOM_WS_PORT=port)
    assert "LIVEROOM_WS_PORT" in last
    assert not (bare_checkout / ".venv").exists()


def test_a_bad_setting_is_told_before_anything_is_installed(folder, bare_checkout):
    last = refusal(folder, cwd=bare_checkout, LIVEROOM_SKIP_INSTALL="", LIVEROOM_PUBLIC_URL="https://example.com/live")
    assert "LIVEROOM_PUBLIC_URL" in last
    assert not (bare_checkout / ".venv").exists()


@AS_ROOT
def test_a_checkout_that_cannot_be_written_to_is_told_before_the_installation_fails(folder, bare_checkout):
    as_nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "deploy/up")
    (folder / "own").mkdir()
    os.chown(folder / "own", 65534, 65534)
    last = refusal(
        folder, argv=as_nobody, cwd=bare_checkout, LIVEROOM_SKIP_INSTALL="", LIVEROOM_DATA=str(folder / "own" / "data")
    )
    assert str(bare_checkout) in last
    assert "owner" in last


def test_commands_by_hand_say_it_in_one_line_too(folder):
    env = {**os.environ, "LIVEROOM_DATA": str(folder / "data"), "LIVEROOM_HTTP_PORT": "http"}
    told = subprocess.run(
        [sys.executable, "manage.py", "run_web"], cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert told.stderr.strip().splitlines() == [
        "manage.py: LIVEROOM_HTTP_PORT must be a number from 0 to 65535, not 'http'."
    ]
