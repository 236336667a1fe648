"""`deploy/up` itself, with everything under it: starts, restarts, refusals and ends."""

import contextlib
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlencode

import pytest

from deploy.embedded.ports import is_free
from deploy.embedded.running_copy import CHECKOUT, DidNotStart, RunningCopy

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

CHILDREN = {"web-1", "socket-1", "gateway-1", "media-1", "srt-1", "relay-1", "archive-1", "tasks-1", "nginx", "redis"}


def family(data: Path) -> dict[int, str]:
    """Every process whose environment names the copy's data folder."""
    mark = f"LIVEROOM_DATA={data}".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def until_nobody_is_left(data: Path, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while left := family(data):
        assert time.monotonic() < until, left
        time.sleep(0.05)


def answers(copy: RunningCopy, path: str) -> int:
    with urllib.request.urlopen(f"{copy.ready['http']}{path}", timeout=5) as answer:
        return answer.status


def until_ready_again(copy: RunningCopy, *, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            if answers(copy, "/readyz") == 200:
                return
        except OSError:
            assert time.monotonic() < until, copy.text()[-4000:]
        time.sleep(0.1)


@pytest.fixture(scope="module")
def copy():
    with RunningCopy() as running:
        yield running


def test_what_it_tells_programs_is_private_and_complete(copy):
    file = copy.data / "ready.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(copy.ready) == {"http", "ws", "rtmp", "admin", "app", "demo"}
    assert answers(copy, "/r/demo") == 200


def test_what_it_tells_people_names_page_key_and_login(copy):
    copy.prints("all of it")
    told = copy.text()
    for value in (
        copy.ready["demo"]["page"],
        copy.ready["demo"]["moderator_password"],
        copy.ready["demo"]["obs_server"],
        copy.ready["demo"]["obs_stream_key"],
        copy.ready["admin"]["url"],
        copy.ready["admin"]["password"],
    ):
        assert value in told
    # It is the last that is said at a start, and it is said again where somebody asks, without a word of the children.
    said = told[told.index("  Ready after") :].partition("─")[0].splitlines()
    env = copy.env
    asked = subprocess.run(
        [CHECKOUT / "deploy" / "up", "--status"], env=env, capture_output=True, text=True, check=True
    )
    again = asked.stdout[asked.stdout.index("  Running.") :].partition("─")[0].splitlines()
    assert said[1:] == again[1:]
    assert len(again) > 8


def test_the_status_of_no_copy_says_what_to_do_and_makes_nothing(tmp_path):
    env = {**os.environ, "LIVEROOM_DATA": str(tmp_path / "none")}

    def told(argument):
        return subprocess.run(
            [CHECKOUT / "deploy" / "up", argument], env=env, capture_output=True, text=True, check=False
        )

    asked = told("--status")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "Start one with deploy/up" in asked.stderr
    assert not (tmp_path / "none").exists()
    wrong = told("--statsu")
    assert (wrong.returncode, wrong.stderr) == (2, "deploy/up takes --status or nothing, not --statsu.\n")


def test_the_demos_moderator_has_a_login_and_a_page(copy):
    """The address signs max in on the page, the password at the console."""
    demo = copy.ready["demo"]
    assert demo["moderator"] == "max"
    page, _, usersig = demo["moderator_page"].partition("#usersig=")
    assert page == demo["page"]
    bearer = {"Authorization": f"Bearer {unquote(usersig)}"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{copy.ready['http']}/api/v1/me", headers=bearer), timeout=5
    ) as me:
        assert json.loads(me.read())["id"] == "max"
    visit = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    login = f"{copy.ready['http']}/admin/login/?next=/admin/"
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', visit.open(login, timeout=5).read().decode())[1]
    form = {"username": "max", "password": demo["moderator_password"], "csrfmiddlewaretoken": token, "next": "/admin/"}
    answer = visit.open(
        urllib.request.Request(login, data=urlencode(form).encode(), headers={"Referer": login}), timeout=5
    )
    assert "Hello, Max" in answer.read().decode()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else to become")
def test_started_as_root_nothing_but_the_supervisor_and_its_guard_is_root(copy):
    as_root = [words for pid, words in family(copy.data).items() if Path(f"/proc/{pid}").stat().st_uid == 0]
    assert len(as_root) == 2, as_root
    assert copy.data.stat().st_uid != 0
    assert stat.S_IMODE(copy.data.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", sorted(CHILDREN))
def test_a_killed_child_comes_back_and_all_is_ready_again(copy, name):
    assert set(copy.pids()) == CHILDREN
    copy.until_back(name, other_than=copy.kill(name))
    until_ready_again(copy)
    assert set(copy.pids()) == CHILDREN


def test_a_second_one_on_the_same_folder_is_refused(copy):
    told = subprocess.run([CHECKOUT / "deploy" / "up"], env=copy.env, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert f"in use by process {copy.process.pid}" in told.stderr
    assert answers(copy, "/livez") == 200


def test_a_second_one_on_the_same_ports_is_refused_with_their_holder(copy, tmp_path):
    env = {**copy.env, "LIVEROOM_DATA": str(tmp_path / "other")}
    told = subprocess.run([CHECKOUT / "deploy" / "up"], env=env, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert f"Port {copy.env['LIVEROOM_HTTP_PORT']} on 127.0.0.1 is taken by nginx" in told.stderr
    assert "LIVEROOM_HTTP_PORT" in told.stderr


def test_no_secret_of_the_copy_is_in_its_log(copy):
    sig = urllib.request.Request(f"{copy.ready['http']}/api/v1/me", headers={"Authorization": "Bearer " + "x" * 40})
    with contextlib.suppress(OSError):
        urllib.request.urlopen(sig, timeout=5)
    logged = "\n".join(line for line in copy.text().splitlines() if " | " in line)
    secret = (copy.data / "secret_key").read_text()
    assert secret not in logged
    assert copy.ready["app"]["secret_key"] not in logged
    assert copy.ready["demo"]["obs_stream_key"].partition("txSecret=")[2][:32] not in logged


def test_two_copies_run_side_by_side(copy):
    with RunningCopy() as other:
        assert other.ready["app"]["secret_key"] != copy.ready["app"]["secret_key"]
        assert answers(other, "/readyz") == answers(copy, "/readyz") == 200


def test_a_second_start_takes_seconds_and_keeps_everything():
    with RunningCopy() as copy:
        before, inner = copy.ready, json.loads((copy.data / "run" / "ports.json").read_text())
        began = time.monotonic()
        copy.stop()
        assert time.monotonic() - began < 10
        until_nobody_is_left(copy.data, seconds=0.5)
        assert not (copy.data / "ready.json").exists()
        began = time.monotonic()
        copy.start()
        assert time.monotonic() - began < 10
        # Play addresses are signed anew, for some hours from now, and so are the tokens in addresses.
        for name in ("play", "streamer_page", "moderator_page"):
            assert before["demo"].pop(name)
            assert copy.ready["demo"].pop(name)
        assert copy.ready == before
        assert json.loads((copy.data / "run" / "ports.json").read_text()) == inner


def test_a_killed_supervisor_leaves_nothing_and_the_next_start_serves():
    with RunningCopy() as copy:
        copy.process.kill()
        copy.process.wait()
        until_nobody_is_left(copy.data, seconds=9)
        assert is_free(int(copy.env["LIVEROOM_HTTP_PORT"]))
        copy.start()
        assert answers(copy, "/readyz") == 200


def test_production_refuses_to_start_without_its_settings(tmp_path):
    with pytest.raises(DidNotStart, match="LIVEROOM_SECRET_KEY, LIVEROOM_HOSTS, LIVEROOM_ORIGINS"):
        RunningCopy(env={"LIVEROOM_ENV": "production"}, data=tmp_path / "data").start()


def test_production_makes_no_demo():
    env = {
        "LIVEROOM_ENV": "production",
        "LIVEROOM_SECRET_KEY": "k" * 48,
        "LIVEROOM_HOSTS": "live.example.com",
        "LIVEROOM_ORIGINS": "https://live.example.com",
    }
    with RunningCopy(env=env) as copy:
        assert "demo" not in copy.ready
        assert "app" not in copy.ready
        assert answers(copy, "/readyz") == 200
        assert "OBS stream key" not in copy.text()


def test_an_inner_port_that_was_asked_for_and_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with (
            pytest.raises(DidNotStart, match=f"Port {port} on 127.0.0.1 is taken .* LIVEROOM_GATEWAY_PORT"),
            RunningCopy(env={"LIVEROOM_GATEWAY_PORT": port}),
        ):
            pytest.fail("it must not start")


def test_a_copy_ends_with_the_tests_that_started_it():
    program = (
        "import time; from deploy.embedded.running_copy import RunningCopy\n"
        "copy = RunningCopy(); copy.start(); print(copy.data, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        data = process.stdout.readline().strip()
        process.kill()
    until_nobody_is_left(Path(data), seconds=12)
    shutil.rmtree(data)
    Path(f"{data}.log").unlink()
