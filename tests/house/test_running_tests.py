"""What `deploy/test` promises about itself: nothing is left out, what runs side by side can be read, and all of it ends with it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.embedded.testing.run_tests import NOTHING_SELECTED, PARTS, POSTGRESQL, SQLITE, exit_code
from deploy.embedded.testing.side_by_side import Output, Result, Step, run_side_by_side
from tests.conftest import ONCE
from tests.helpers.turns import FOLDER, turn

TESTS = Path(__file__).resolve().parent.parent


def test_every_folder_of_tests_runs_on_sqlite_and_on_postgresql_where_that_matters() -> None:
    # A folder of a part is run with the folders in it.
    everything = sorted({file.relative_to(TESTS).parts[0] for file in TESTS.glob("*/**/test_*.py")})
    assert not list(TESTS.glob("test_*.py"))
    for database, wanted in (
        (SQLITE, everything),
        (POSTGRESQL, [name for name in everything if f"tests/{name}/" not in ONCE]),
    ):
        assert sorted(name for on, names in PARTS if on == database for name in names) == wanted


def test_what_runs_once_is_there() -> None:
    for name in ONCE:
        file, _, test = name.partition("::")
        assert (TESTS.parent / file).exists(), name
        for word in re.findall(r"[\w-]+", test):
            assert word in (TESTS.parent / file).read_text(), name


def test_the_first_is_shown_as_it_prints_and_the_others_in_one_piece() -> None:
    shown: list[str] = []
    output = Output(shown.append)
    one, two, three = (output.begins(name) for name in ("one", "two", "three"))
    output.prints(two, "b")
    output.prints(one, "a")
    assert shown[-1] == "a"
    output.prints(three, "c")
    output.ends(three)
    output.prints(one, "A")
    output.ends(one)
    output.prints(two, "B")
    output.ends(two)
    text = "".join(shown)
    assert [word for word in text.split() if "─" not in word] == ["one", "aA", "two", "bB", "three", "c"]


def test_what_was_held_back_is_shown_when_everything_ends_early() -> None:
    shown: list[str] = []
    output = Output(shown.append)
    output.begins("one")
    output.prints(output.begins("two"), "held")
    output.show_all()
    assert shown[-1].endswith("held")


def _step(name: str, program: str) -> Step:
    return Step(name=name, argv=(sys.executable, "-c", program), env=dict(os.environ))


def test_every_step_has_its_own_code_and_last_line(tmp_path: Path) -> None:
    meets = f"import pathlib, time\npathlib.Path({str(tmp_path)!r}, %r).touch()\n" + (
        f"while not pathlib.Path({str(tmp_path)!r}, %r).exists(): time.sleep(0.01)\n"
    )
    steps = [
        _step("one", meets % ("one", "two") + "print('first\\nlast ä\\n')"),
        _step("two", meets % ("two", "one") + "raise SystemExit(3)"),
        _step("three", "print('late', end='')"),
    ]
    results = run_side_by_side(steps, at_once=2, cwd=tmp_path, show=lambda _: None)
    assert [(result.name, result.code, result.last) for result in results] == [
        ("one", 0, "last ä"), ("two", 3, ""), ("three", 0, "late"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("codes", "wanted"),
    [
        ((0, 0), 0),
        ((0, NOTHING_SELECTED), 0),
        ((NOTHING_SELECTED, NOTHING_SELECTED), NOTHING_SELECTED),
        ((0, 1), 1),
        ((2, 0), 1),
        ((-9, 0), 1),
    ],
)
def test_only_if_all_passed_the_code_is_zero(codes: tuple[int, ...], wanted: int) -> None:
    assert exit_code([Result(name="tests on one", code=code, seconds=1) for code in codes]) == wanted


STEPS = """
import os, sys
from pathlib import Path
from deploy.embedded.testing.side_by_side import Step, run_side_by_side
nap = 'import os, time; print(os.getpid(), flush=True); time.sleep(600)'
steps = [Step(name=name, argv=(sys.executable, '-c', nap), env=dict(os.environ)) for name in ('one', 'two', 'three')]
run_side_by_side(steps, at_once=2, cwd=Path.cwd(), show=lambda text: print(text, end='', flush=True))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_it_ends_its_steps(how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STEPS], cwd=TESTS.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as program:
        assert program.stdout is not None
        while not (line := program.stdout.readline().strip()).isdigit():
            pass
        children = Path(f"/proc/{program.pid}/task/{program.pid}/children")
        end = time.monotonic() + 10
        while len(pids := children.read_text().split()) < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert line in pids
        program.send_signal(how)
        rest = program.stdout.read()
        assert program.wait(10) == -how
    # What the second had printed was held back until then; the third never began.
    assert ("two" in rest) is (how is signal.SIGINT)
    assert "three" not in rest
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.01)


OTHER = """
import sys
from pathlib import Path
from tests.helpers.turns import turn
with turn(alone=sys.argv[1] == 'alone'):
    print('in', flush=True)
    sys.stdin.read()
"""


class Other:
    """Another run of pytest, with a test that lasts until `ends`."""

    def __init__(self, kind: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OTHER, kind], cwd=TESTS.parent, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )  # fmt: skip

    def comes_in(self) -> bool:
        assert self.process.stdout is not None
        return self.process.stdout.readline() == "in\n"

    def waits_for_a_lock(self) -> None:
        end = time.monotonic() + 10
        while not any(
            line.split()[1] == "->" and str(self.process.pid) in line.split()
            for line in Path("/proc/locks").read_text().splitlines()
        ):
            assert time.monotonic() < end
            time.sleep(0.01)

    def ends(self) -> None:
        self.process.communicate()


def test_a_test_that_measures_has_the_machine_and_is_not_kept_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    with turn(alone=False):
        beside = Other("beside")
        assert beside.comes_in()
        alone = Other("alone")
        alone.waits_for_a_lock()
        # Whoever comes now is after it.
        late = Other("beside")
        late.waits_for_a_lock()
        beside.ends()
        alone.waits_for_a_lock()
    assert alone.comes_in()
    late.waits_for_a_lock()
    alone.ends()
    assert late.comes_in()
    late.ends()
