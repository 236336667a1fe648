"""`deploy/test` after the installation: every check and every test, on SQLite and on PostgreSQL, two steps at a time.

Exit code 0 only if all passed. The environment of whoever calls it does not reach the tests, except CHROMIUM and CI."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from deploy.embedded.testing.servers_for_tests import CannotServe, another_database, postgres_cluster, redis_server
from deploy.embedded.testing.side_by_side import Result, Step, run_side_by_side

CHECKOUT = Path(__file__).resolve().parents[3]
PYTHON = str(CHECKOUT / ".venv" / "bin" / "python")
CODE = ("liveroom", "streams", "moderation", "interactions", "deploy")
# The tests on PostgreSQL are there for the other database: they leave out what asks the database for nothing of its own.
NOT_AGAIN = ("-m", "not once")
NOTHING_SELECTED = 5
# Most tests wait more than they compute. Those that measure have both processors: `alone` in pyproject.toml.
AT_ONCE = 2
# Where journeys leave their pictures, for whoever wants to look at them.
SCREENSHOTS = "LIVEROOM_SCREENSHOTS"
NOT_PASSED_ON = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "PYTEST_ADDOPTS")
TESTS, SQLITE, POSTGRESQL = "tests on", "SQLite", "PostgreSQL"

CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff check", ("-m", "ruff", "check", ".")),
    ("ruff format", ("-m", "ruff", "format", "--check", ".")),
    ("imports", ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")),
    ("migrations", ("manage.py", "makemigrations", "--check", "--dry-run")),
    ("mypy", ("-m", "mypy", *CODE)),
)
# What runs beside what: in this order, the longest first, so that both ends are near each other. Every folder of tests is
# in one part for each database (or names nothing but tests that run once).
PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (SQLITE, ("journeys", "faults")),
    (SQLITE, ("house", "media")),
    (POSTGRESQL, ("journeys", "faults")),
    (SQLITE, ("delivery", "sockets")),
    (POSTGRESQL, ("api", "contracts", "delivery", "services", "sockets")),
    (SQLITE, ("api", "contracts", "rules", "services")),
)


def environment_of_tests(folder: Path, *, turns: Path, faults: bool) -> dict[str, str]:
    """`folder` is the step's own."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name == SCREENSHOTS or (name not in NOT_PASSED_ON and not name.startswith("LIVEROOM_"))
    }
    data, temporary = folder / "data", folder / "tmp"
    # Open to pass through: PostgreSQL and the copies under test may run as other users.
    folder.mkdir()
    data.mkdir()
    # What tests forget goes with the folder. Open to all, as /tmp is: copies under test run as another user.
    temporary.mkdir()
    temporary.chmod(0o1777)
    return inherited | {
        "TMPDIR": str(temporary),
        "LIVEROOM_DATA": str(data),
        "LIVEROOM_SKIP_INSTALL": "1",
        "LIVEROOM_FAULTS": "full" if faults else "small",
        "LIVEROOM_TURNS": str(turns),
        "PYTHONHASHSEED": "0",
    }


def run_all(arguments: Sequence[str], *, faults: bool, at_once: int, folder: Path) -> list[Result]:
    turns = folder / "turns"
    turns.mkdir()
    steps: list[Step] = []

    def add(name: str, argv: Sequence[str], **more: str) -> None:
        env = environment_of_tests(folder / str(len(steps)), turns=turns, faults=faults)
        steps.append(Step(name=name, argv=(PYTHON, *argv), env=env | more))

    parts = PARTS
    if arguments:
        parts = ((SQLITE, ()), (POSTGRESQL, ()))
    else:
        for name, argv in CHECKS:
            add(name, argv)
    colour = ("--color=yes",) if sys.stdout.isatty() else ()
    with ExitStack() as servers:
        cluster = servers.enter_context(postgres_cluster(folder / "postgresql"))
        for number, (database, folders) in enumerate(parts):
            own = {"REDIS_URL": servers.enter_context(redis_server(folder / f"redis-{number}"))}
            if database == POSTGRESQL:
                own["DATABASE_URL"] = another_database(cluster, name=f"liveroom_{number}")
            narrowed = NOT_AGAIN if database == POSTGRESQL else ()
            asked = arguments or [f"tests/{name}" for name in folders]
            name = f"{TESTS} {database}{': ' if folders else ''}{', '.join(folders)}"
            add(name, ("-m", "pytest", *colour, *narrowed, *asked), **own)
        return run_side_by_side(steps, at_once=at_once, cwd=CHECKOUT, show=_show)


def _show(text: str) -> None:
    print(text, end="", flush=True)


def summary(results: Sequence[Result], *, seconds: float) -> str:
    rows = []
    width = max(len(result.name) for result in results)
    for result in results:
        word = "ok" if result.passed else "none" if _is_empty(result) else "FAIL"
        last = result.last if result.name.startswith(TESTS) else ""
        rows.append(f"  {word:<5} {result.name:<{width}} {result.seconds:7.1f} s  {last}".rstrip())
    return "\n".join(["", "── summary " + "─" * 67, *rows, f"  {'':<5} {'in all':<{width}} {seconds:7.1f} s"])


def exit_code(results: Sequence[Result]) -> int:
    """A pass for which nothing was selected counts as passed if another pass had something."""
    if all(_is_empty(result) for result in results):
        return NOTHING_SELECTED
    return 0 if all(result.passed or _is_empty(result) for result in results) else 1


def _is_empty(result: Result) -> bool:
    return result.name.startswith(TESTS) and result.code == NOTHING_SELECTED


def run_bench(name: str, arguments: Sequence[str]) -> int:
    folder = CHECKOUT / "tests" / "bench"
    known = sorted(file.stem for file in folder.glob("[a-z]*.py")) + sorted(
        file.parent.name for file in folder.glob("[a-z]*/__main__.py")
    )
    if name not in known:
        print(f"There is no benchmark {name!r}; there are: {', '.join(known) or 'none yet'}.", file=sys.stderr)
        return 2
    return subprocess.run([PYTHON, "-m", f"tests.bench.{name}", *arguments], cwd=CHECKOUT, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="deploy/test",
        allow_abbrev=False,
        description="Runs all checks and tests, on SQLite and PostgreSQL. Anything else is handed to pytest, "
        "and then the checks are left out: deploy/test -k words, deploy/test tests/rules -x",
    )
    parser.add_argument("--faults", action="store_true", help="run the fault tests at full size")
    parser.add_argument("--bench", metavar="NAME", help="run the benchmark tests/bench/NAME instead")
    parser.add_argument("--one-by-one", action="store_true", help="one step at a time, each shown as it prints")
    told, arguments = parser.parse_known_args()
    # As Ctrl-C, also where a shell in the background ignores that: what the blocks below started is ended on the way out.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    if told.bench:
        return run_bench(told.bench, arguments)
    # At full size the fault tests have enough to do with themselves.
    at_once = 1 if told.one_by_one or told.faults else min(AT_ONCE, len(os.sched_getaffinity(0)))
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="liveroom-test-"))
    # Open to pass through: PostgreSQL and the copies under test may run as other users.
    folder.chmod(0o755)
    try:
        results = run_all(arguments, faults=told.faults, at_once=at_once, folder=folder)
    except CannotServe as error:
        print(f"\ndeploy/test: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(summary(results, seconds=time.monotonic() - began))
    return exit_code(results)


if __name__ == "__main__":
    sys.exit(main())
