"""What deploy/up promises about its children, with real small processes in their place."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.ports import PortTaken, check_public, choose_inner, is_free
from deploy.embedded.run_as import UnfitDataFolder, prepare_data_folder
from deploy.embedded.supervising.masking import Masker
from deploy.embedded.supervising.output import Output

CHECKOUT = Path(__file__).resolve().parents[2]
LIVES = "import time; print('up'); time.sleep(600)"
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(600)"
SAYS_WHEN_ASKED = (
    "import signal, sys, time; signal.signal(15, lambda *_: sys.exit('asked')); print('up'); time.sleep(600)"
)
# Like nginx: a master whose worker lives on when only the master is killed.
WITH_A_WORKER = "import os, time; os.write(1, b'up\\n' if os.fork() else b'worker\\n'); time.sleep(600)"


class Standin:
    """A running stand-in supervisor and what it printed."""

    def __init__(self, data: Path, **children: tuple[int, str]) -> None:
        self.data = data
        told = json.dumps({"data": str(data), "children": children})
        self._log = data.with_suffix(".log").open("ab+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.house.standin", told], cwd=CHECKOUT, stdout=self._log, stderr=self._log
        )

    def text(self) -> str:
        return self.data.with_suffix(".log").read_text()

    def prints(self, wanted: str, *, times: int = 1, seconds: float = 20) -> str:
        until = time.monotonic() + seconds
        while self.text().count(wanted) < times:
            assert time.monotonic() < until, f"{wanted!r} is not {times} times in:\n{self.text()}"
            time.sleep(0.02)
        return self.text()

    def pid_of(self, name: str) -> int:
        return json.loads((self.data / "pids.json").read_text())[name]

    def family(self) -> set[int]:
        """Every process, supervisor and guard aside, that has the data folder in its command line."""
        found = set()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().decode().split("\0")
                if str(self.data) in words:
                    found.add(int(process.name))
        return found

    def nobody_is_left(self, *, seconds: float = 9) -> None:
        until = time.monotonic() + seconds
        while left := self.family():
            assert time.monotonic() < until, f"left behind: {left}\n{self.text()}"
            time.sleep(0.02)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(15)
        self._log.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@contextlib.contextmanager
def running(data: Path, **children: tuple[int, str]) -> Iterator[Standin]:
    standin = Standin(data, **children)
    try:
        yield standin
    finally:
        standin.end()


def test_each_line_has_the_name_of_its_child_in_front(data):
    with running(data, web=(0, LIVES), relay=(0, LIVES)) as standin:
        standin.prints("web        | up")
        standin.prints("relay      | up")


def test_a_child_that_was_killed_comes_back_alone(data):
    with running(data, web=(0, LIVES), relay=(0, LIVES)) as standin:
        standin.prints("| up", times=2)
        web, relay = standin.pid_of("web"), standin.pid_of("relay")
        os.kill(web, signal.SIGKILL)
        standin.prints("web was killed by SIGKILL")
        standin.prints("web        | up", times=2, seconds=3)
        assert standin.pid_of("web") != web
        assert standin.pid_of("relay") == relay


def test_what_a_killed_child_left_of_its_family_is_ended_before_it_comes_back(data):
    with running(data, nginx=(1, WITH_A_WORKER)) as standin:
        standin.prints("| worker")
        before = standin.family()
        assert len(before) == 2
        os.kill(standin.pid_of("nginx"), signal.SIGKILL)
        standin.prints("| worker", times=2)
        assert not before & standin.family()


def test_a_child_that_cannot_run_ends_the_start_with_its_last_lines(data):
    with running(data, web=(0, "raise SystemExit('no such setting')"), relay=(0, LIVES)) as standin:
        assert standin.process.wait(10) == 1
        assert "web ended with code 1, 3 times in a row: no such setting" in standin.text()
        standin.nobody_is_left(seconds=0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_signal_leaves_nobody_behind_and_asks_in_order(data, number):
    with running(data, redis=(2, SAYS_WHEN_ASKED), nginx=(1, WITH_A_WORKER), web=(0, SAYS_WHEN_ASKED)) as standin:
        standin.prints("| up", times=3)
        began = time.monotonic()
        standin.process.send_signal(number)
        assert standin.process.wait(10) == 0
        assert time.monotonic() - began < 3
        standin.nobody_is_left(seconds=0)
        text = standin.text()
        assert text.index("web        | asked") < text.index("redis      | asked")


def test_a_child_that_does_not_listen_is_killed_within_ten_seconds(data):
    with running(data, web=(0, DEAF), redis=(2, LIVES)) as standin:
        standin.prints("| up", times=2)
        began = time.monotonic()
        standin.process.terminate()
        assert standin.process.wait(10) == 0
        assert 5 < time.monotonic() - began < 10
        assert "web does not end; killing it" in standin.text()
        standin.nobody_is_left(seconds=0)


def test_a_second_signal_does_not_wait(data):
    with running(data, web=(0, DEAF)) as standin:
        standin.prints("| up")
        standin.process.terminate()
        standin.prints("stopping")
        standin.process.send_signal(signal.SIGINT)
        assert standin.process.wait(3) == 0
        standin.nobody_is_left(seconds=0)


def test_a_killed_supervisor_leaves_nobody_behind(data):
    with running(data, web=(0, LIVES), nginx=(1, WITH_A_WORKER), tasks=(0, DEAF)) as standin:
        standin.prints("| up", times=3)
        deaf = standin.pid_of("tasks")
        standin.process.kill()
        standin.process.wait()
        until = time.monotonic() + 2
        while standin.family() != {deaf} and time.monotonic() < until:
            time.sleep(0.02)
        assert standin.family() <= {deaf}
        standin.nobody_is_left()


def test_a_killed_guard_is_replaced(data):
    with running(data, web=(0, LIVES), tasks=(0, LIVES)) as standin:
        standin.prints("| up", times=2)
        children = Path(f"/proc/{standin.process.pid}/task/{standin.process.pid}/children").read_text().split()
        guard = next(pid for pid in children if b"guard.py" in Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(int(guard), signal.SIGKILL)
        os.kill(standin.pid_of("web"), signal.SIGKILL)
        standin.prints("web        | up", times=2)
        standin.process.kill()
        standin.nobody_is_left()


def test_the_next_start_waits_until_the_killed_one_is_cleared_away(data):
    with running(data, tasks=(0, DEAF)) as first:
        first.prints("| up")
        first.process.kill()
        first.process.wait()
        with running(data, web=(0, LIVES)) as second:
            second.prints("web        | up")
            assert len(second.family()) == 1


def test_two_cannot_share_one_data_folder(data):
    with running(data, web=(0, LIVES)) as first:
        first.prints("| up")
        with running(data, web=(0, LIVES)) as second:
            assert second.process.wait(5) == 1
            assert f"is in use by process {first.process.pid}" in second.text()
        assert first.process.poll() is None


def test_nobody_reading_the_output_does_not_stall_a_child(data):
    shouts = "import sys\nfor n in range(40000): print('x' * 100)\nopen(sys.argv[1] + '/done', 'w')"
    told = json.dumps({"data": str(data), "children": {"web": [0, shouts]}})
    argv = [sys.executable, "-m", "tests.house.standin", told]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE) as process:
        until = time.monotonic() + 20
        while not (data / "done").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        process.terminate()
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("GET /ws/v1?usersig=eJxy*_&platform=web", "GET /ws/v1?usersig=***&platform=web"),
        ("/live/a.flv?txSecret=0f&txTime=6A&vid=m&vsig=9", "/live/a.flv?txSecret=***&txTime=6A&vid=***&vsig=***"),
        ("rtmp://127.0.0.1/live/a?gw=abc", "rtmp://127.0.0.1/live/a?gw=***"),
        ("/hls/a/1.ts?md5=Zm9v&expires=17", "/hls/a/1.ts?md5=***&expires=17"),
        ("token%3Dabc%26x", "token%3D***"),
        ("POST /engine/0123456789abcdef/publish 200", "POST /engine/***/publish 200"),
        ("Error connecting to redis://:pass@127.0.0.1:6379/0", "Error connecting to redis://:***@127.0.0.1:6379/0"),
        ("postgres://live:p%40ss@db/live", "postgres://live:***@db/live"),
        ('{"usersig": "eJx", "nick": "mia"}', '{"usersig": "***", "nick": "mia"}'),
        ("{'password': 'a b', 'x': 1}", "{'password': '***', 'x': 1}"),
        ("Authorization: Bearer lr_0123456789", "Authorization: Bearer ***"),
        ("opened with the-key-of-this-copy", "opened with ***"),
        ("a provid=3 and a video=4 stay", "a provid=3 and a video=4 stay"),
    ],
)
def test_no_secret_is_in_a_line(line, shown):
    assert Masker(["the-key-of-this-copy"])(line) == shown


def test_a_secret_in_a_line_of_a_child_is_masked_on_its_way(data):
    prints = "import time; print('asked ?usersig=abc and \\x1b[31mred'); time.sleep(600)"
    with running(data, web=(0, prints)) as standin:
        standin.prints("web        | asked ?usersig=*** and \\x1b[31mred")


def test_a_line_without_end_is_cut_and_what_follows_is_shown(data):
    prints = "import time; print('?usersig=' + 'a' * 300000); print('next'); time.sleep(600)"
    with running(data, web=(0, prints)) as standin:
        text = standin.prints("web        | next")
        assert "aaaa" not in text


def test_the_output_survives_a_reader_that_went_away():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        output = Output(masker=Masker(), stream=stream)
        for _ in range(3):
            output.line("web", "hello")
        output.close()
        stream.detach() if False else None


def test_a_taken_port_is_named_with_its_holder_and_its_variable():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken) as refused:
            check_public(bind="127.0.0.1", ports={"LIVEROOM_RTMP_PORT": port}, drops_root=False)
    assert f"Port {port} on 127.0.0.1 is taken by" in str(refused.value)
    assert f"(process {os.getpid()})" in str(refused.value)
    assert "LIVEROOM_RTMP_PORT" in str(refused.value)


def test_one_port_cannot_serve_two_things():
    ports = {"LIVEROOM_HTTP_PORT": 18999, "LIVEROOM_WS_PORT": 18999}
    with pytest.raises(PortTaken, match="LIVEROOM_HTTP_PORT and LIVEROOM_WS_PORT are both 18999"):
        check_public(bind="127.0.0.1", ports=ports, drops_root=False)


def test_inner_ports_stay_the_same_while_they_are_free():
    wanted = {"web": 0, "gateway": 0, "redis": 0}
    first = choose_inner(wanted=wanted, earlier={})
    assert len(set(first.values())) == 3
    assert choose_inner(wanted=wanted, earlier=first) == first
    with socket.create_server(("127.0.0.1", first["web"])):
        second = choose_inner(wanted=wanted, earlier=first)
    assert second["web"] != first["web"]
    assert is_free(second["web"])
    assert second["redis"] == first["redis"]


def test_a_folder_with_other_things_is_not_taken_over(tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one.txt").write_text("mine")
    with pytest.raises(UnfitDataFolder, match="holds other things"):
        prepare_data_folder(tmp_path / "letters", checkout=CHECKOUT)
    with pytest.raises(UnfitDataFolder, match="holds the checkout"):
        prepare_data_folder(CHECKOUT.parent, checkout=CHECKOUT)
    assert os.listdir(tmp_path / "letters") == ["one.txt"]
