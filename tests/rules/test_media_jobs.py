"""How media jobs are tried again and let in, and what is read of a child's standard output."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.jobs import rules
from streams.jobs.kinds import Progress
from streams.jobs.supervising import strays
from streams.jobs.supervising.progress import Reader

BLOCK = (
    b"frame=50\nfps=25.10\nstream_0_0_q=28.0\nbitrate= 812.3kbits/s\ntotal_size=203072\nout_time_us=2000000\n"
    b"out_time=00:00:02.000000\ndup_frames=1\ndrop_frames=2\nspeed=1.01x\nprogress=continue\n"
)


@given(st.integers(0, 10_000))
def test_the_pause_grows_and_is_bounded(failures: int) -> None:
    pause = rules.pause_seconds(failures)
    assert 0 <= pause <= rules.LONGEST_PAUSE_SECONDS
    assert pause <= rules.pause_seconds(failures + 1)


def test_three_tries_come_within_two_seconds() -> None:
    assert [rules.pause_seconds(n) for n in range(5)] == [0, 0.5, 1, 2, 4]
    assert [rules.pause_seconds(n, killed=True) for n in range(5)] == [0, 0.5, 1, 1, 1]


def test_a_good_run_begins_the_row_of_failures_anew() -> None:
    assert rules.failures_after(7, ran_seconds=1) == 8
    assert rules.failures_after(7, ran_seconds=31) == 1


@given(st.lists(st.floats(0.01, 4), max_size=30), st.floats(0.5, 16))
def test_what_is_let_in_never_exceeds_the_budget(wanted: list[float], budget: float) -> None:
    reserved = 0.0
    for cores in wanted:
        if rules.fits(cores, reserved=reserved, budget=budget):
            reserved += cores
    assert reserved <= budget + 0.01


def test_what_never_fits_is_told_so() -> None:
    assert "LIVEROOM_MEDIA_CORES" in rules.no_room_text(3.1, budget=2)
    assert "other jobs" in rules.no_room_text(1.5, budget=2)


@given(st.lists(st.integers(1, 40), max_size=40))
def test_progress_is_read_from_pieces_of_any_size(cuts: list[int]) -> None:
    reader, rest = Reader(), b"frame:12 pts:480 lavfi.black_start=1.2\n" + BLOCK * 2
    for cut in cuts:
        reader.feed(rest[:cut])
        rest = rest[cut:]
    reader.feed(rest)
    assert reader.blocks == 2
    assert reader.progress == Progress(
        out_seconds=2.0, frame=50, fps=25.1, speed=1.01, bitrate_kbps=812.3, size_bytes=203072, dropped_frames=2,
        duplicated_frames=1,
    )  # fmt: skip
    assert reader.take_lines() == ["frame:12 pts:480 lavfi.black_start=1.2"]
    assert reader.take_lines() == []


def test_before_the_first_packet_nothing_is_known() -> None:
    reader = Reader()
    reader.feed(b"bitrate=N/A\ntotal_size=N/A\nout_time_us=N/A\nspeed=N/A\nprogress=continue\n")
    reader.feed(b"out_time_us=-9223372036854775807\nspeed=nan\nprogress=continue\n")
    assert reader.progress == Progress()
    assert reader.blocks == 2


def test_lines_without_an_end_and_too_many_lines_stay_bounded() -> None:
    reader = Reader()
    reader.feed(b"x" * 100_000)
    reader.feed(b"\n" + b"y\n" * 5_000)
    assert len(reader.take_lines()) <= 400


@pytest.mark.parametrize("where", ["{run}", "import threading\nthreading.Thread(target=lambda: {run}).start()"])
def test_what_a_child_started_costs_too(where: str) -> None:
    """In whichever of its threads; while it runs as well as after."""
    busy = "import time\nend = time.process_time() + 0.4\nwhile time.process_time() < end: pass\ninput()"
    started = where.format(run=f"subprocess.Popen([sys.executable, '-c', {busy!r}])")
    shell = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess, sys\n{started}\ninput()"], stdin=subprocess.PIPE
    )
    try:
        end = time.monotonic() + 20
        while (strays.cpu_seconds(shell.pid) or 0.0) < 0.3 and time.monotonic() < end:
            time.sleep(0.05)
        assert (strays.cpu_seconds(shell.pid) or 0.0) >= 0.3
    finally:
        shell.kill()
        shell.communicate()
    assert strays.cpu_seconds(shell.pid) is None
