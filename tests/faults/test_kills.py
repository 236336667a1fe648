"""A process dies while a room is live: the status is right again in seconds, and a publisher that is served stays."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.helpers.stack import Stack, until

pytestmark = [pytest.mark.journey, pytest.mark.fault]

RIGHT_AGAIN_SECONDS = 5
RIGHT_AGAIN_AFTER_NGINX_SECONDS = 8


@pytest.fixture
def live(stack: Stack) -> Iterator[object]:
    stack.clears_the_air()
    with stack.push() as child:
        until(lambda: stack.status() == "live", what="live")
        # The room is live a moment before the engine has its answer: who is killed in between never let anybody in.
        stella = stack.usersig("stella")
        until(lambda: stack.api("GET", "rooms/demo/health", bearer=stella)[1]["width"], what="the engine to list it")
        yield child


def _status_or_none(stack: Stack) -> str | None:
    """None while nothing answers."""
    try:
        status, room = stack.api("GET", "rooms/demo")
    except OSError:
        return None
    return str(room["status"]) if status == 200 else None


def _wrong_for(stack: Stack, right: str, *, seconds: float) -> float:
    """How long any other status was shown, watched for `seconds`."""
    end, wrong = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        shown = _status_or_none(stack)
        time.sleep(0.1)
        if shown not in (None, right):
            wrong += 0.1
    return wrong


@pytest.mark.parametrize("name", ["web-1", "redis", "media-1", "relay-1", "gateway-1", "socket-1"])
def test_a_kill_beside_the_engine_never_cuts_the_publisher(stack: Stack, live: object, name: str) -> None:
    stack.until_back(name, other_than=stack.kill(name))
    assert _wrong_for(stack, "live", seconds=5) == 0
    assert live.poll() is None  # type: ignore[attr-defined]
    with stack.watching(as_="mia") as phone:
        assert phone.snapshot["room"]["status"] == "live"
        assert phone.asks("comment", room="demo", text="still here")["ok"]


def test_a_publisher_that_leaves_while_web_is_away_is_noticed(stack: Stack, live: object) -> None:
    pid = stack.kill("web-1")
    live.kill()  # type: ignore[attr-defined]
    stack.until_back("web-1", other_than=pid)
    # 3 s of grace, then it must be known within 5 s although its callback met a dead process.
    until(lambda: _status_or_none(stack) == "paused", seconds=3 + RIGHT_AGAIN_SECONDS + 3, what="paused")


def test_a_killed_engine_comes_back_and_so_does_the_picture(stack: Stack, live: object) -> None:
    stack.until_back("nginx", other_than=stack.kill("nginx"))
    live.wait(10)  # type: ignore[attr-defined]
    until(lambda: _status_or_none(stack) == "paused", seconds=RIGHT_AGAIN_AFTER_NGINX_SECONDS, what="paused")
    with stack.push():
        until(lambda: _status_or_none(stack) == "live", seconds=RIGHT_AGAIN_SECONDS, what="live")


def test_viewers_hear_of_a_status_change_that_happened_while_redis_was_away(stack: Stack, live: object) -> None:
    with stack.watching(as_="mia") as phone:
        pid = stack.kill("redis")
        stella = stack.usersig("stella")
        status, _ = stack.api("POST", "rooms/demo/status", {"status": "ended"}, bearer=stella)
        assert status == 200
        stack.until_back("redis", other_than=pid)
        phone.hears("status", status="ended", seconds=10)


def _turns(stack: Stack, job: str) -> float:
    """How often the task workers have done that job."""
    with urllib.request.urlopen(f"{stack.http}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    done = f'liveroom_due_jobs_total{{job="{job}",result="done"}} '
    return sum(float(line.removeprefix(done)) for line in lines if line.startswith(done))


def test_a_worker_of_tasks_survives_the_death_of_redis_and_goes_on_working(stack: Stack) -> None:
    until(lambda: _turns(stack, "score minutes"), seconds=20, what="the first turn")
    before = stack.pids()["tasks-1"]
    stack.until_back("redis", other_than=stack.kill("redis"))
    time.sleep(6)
    assert stack.pids()["tasks-1"] == before
    turns = _turns(stack, "score minutes")
    until(lambda: _turns(stack, "score minutes") > turns, seconds=30, what="another turn")


def test_a_killed_worker_of_tasks_comes_back_and_goes_on_working(stack: Stack) -> None:
    until(lambda: _turns(stack, "score minutes"), seconds=20, what="the first turn")
    stack.until_back("tasks-1", other_than=stack.kill("tasks-1"))
    turns = _turns(stack, "score minutes")
    until(lambda: _turns(stack, "score minutes") > turns, seconds=45, what="another turn")
