"""A rolling restart of what deploy/up runs, with small processes in their place: nobody stops before the next one serves."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from deploy.embedded.supervising.children import Service
from tests.house.test_supervisor import CHECKOUT, LIVES, data, running  # noqa: F401 - a fixture

# Says when it serves, when it is asked to drain, when it is told to stop at once.
SERVES = """
import os, signal, sys, time
name = sys.argv[2]
signal.signal(15, lambda *_: (print('drains', name), sys.exit(0)))
signal.signal(2, lambda *_: (print('stops', name), sys.exit(0)))
time.sleep(0.3)
os.write(int(os.environ['LIVEROOM_READY_PIPE']), b'ready\\n')
print('serves', name)
time.sleep(600)
"""
SERVES_ONCE = SERVES.replace(
    "time.sleep(0.3)", "mark = sys.argv[1] + '/once'; os.path.exists(mark) and sys.exit('broken'); open(mark, 'w')"
)
NEVER_READY = "import sys, time; print('here', sys.argv[2]); time.sleep(600)"


def test_each_is_replaced_by_one_that_serves_already(data):  # noqa: F811
    with running(data, web=(0, SERVES, "rolls"), socket=(0, SERVES, "rolls"), redis=(2, LIVES)) as standin:
        standin.prints("serves", times=2)
        redis = standin.pid_of("redis")
        standin.process.send_signal(signal.SIGHUP)
        text = standin.prints("The rolling restart is complete.")
        said = [text.index(words) for words in ("serves web-b", "drains web\n", "serves socket-b", "drains socket\n")]
        assert said == sorted(said)
        assert "starting it again" not in text
        assert standin.pid_of("redis") == redis
        standin.process.send_signal(signal.SIGHUP)
        standin.prints("The rolling restart is complete.", times=2)
        assert standin.pid_of("web")
        assert standin.pid_of("socket")
        assert len(standin.family()) == 3


def test_whoever_was_replaced_is_kept_running_like_the_first(data):  # noqa: F811
    with running(data, web=(0, SERVES, "rolls")) as standin:
        standin.prints("serves web")
        standin.process.send_signal(signal.SIGHUP)
        standin.prints("The rolling restart is complete.")
        os.kill(standin.pid_of("web-b"), signal.SIGKILL)
        standin.prints("web-b was killed by SIGKILL")
        standin.prints("serves web-b", times=2)


def test_a_version_that_does_not_start_replaces_nobody(data):  # noqa: F811
    with running(data, web=(0, SERVES_ONCE, "rolls"), socket=(0, SERVES, "rolls")) as standin:
        standin.prints("serves", times=2)
        web, socket = standin.pid_of("web"), standin.pid_of("socket")
        standin.process.send_signal(signal.SIGHUP)
        text = standin.prints("The rolling restart ends here")
        assert "web-b does not serve; web stays" in text
        assert (standin.pid_of("web"), standin.pid_of("socket")) == (web, socket)
        time.sleep(0.5)
        assert len(standin.family()) == 2


def test_a_stop_in_the_middle_leaves_nobody_behind(data):  # noqa: F811
    with running(data, web=(0, NEVER_READY, "rolls")) as standin:
        standin.prints("here web\n")
        standin.process.send_signal(signal.SIGHUP)
        standin.prints("here web-b")
        standin.process.send_signal(signal.SIGHUP)
        standin.prints("under way already")
        standin.process.terminate()
        assert standin.process.wait(10) == 0
        standin.nobody_is_left(seconds=0)


def test_a_full_stop_does_not_drain(data):  # noqa: F811
    with running(data, web=(0, SERVES, "rolls")) as standin:
        standin.prints("serves web")
        standin.process.terminate()
        assert standin.process.wait(5) == 0
        assert "stops web" in standin.text()
        assert "drains" not in standin.text()


# Its own session with a terminal, as under ssh.
IN_A_TERMINAL = (
    "import fcntl, os, runpy, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "runpy.run_module('tests.house.standin', run_name='__main__', alter_sys=True)"
)


def test_a_terminal_that_goes_away_stops_everything(data):  # noqa: F811
    """As when an ssh connection is lost: the kernel takes the terminal away and says SIGHUP."""
    hand, terminal = pty.openpty()
    told = json.dumps({"data": str(data), "children": {"web": [0, SERVES, "rolls"]}})
    with subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, told], cwd=CHECKOUT, stdin=terminal, stdout=subprocess.PIPE, text=True
    ) as process:
        os.close(terminal)
        while "serves web" not in process.stdout.readline():
            assert process.poll() is None
        os.close(hand)
        assert process.wait(10) == 0
        assert "SIGHUP: stopping" in process.stdout.read()


@pytest.mark.parametrize("name", ["web-1", "web-1-b"])
def test_the_two_names_take_turns(name):
    service = Service(name=name, argv=("python", "--name", name))
    assert service.successor().successor() == service
    assert service.successor().argv[-1] == service.successor().name != name
