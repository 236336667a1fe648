"""`deploy/test` after the installation: every check and every test, on SQLite and on PostgreSQL.

Exit code 0 only if all passed. The environment of whoever calls it does not reach the tests, except CHROMIUM and CI."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.servers_for_tests import CannotServe, postgres_cluster, redis_server

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PYTHON = str(CHECKOUT / ".venv" / "bin" / "python")
CODE = ("liveroom", "streams", "moderation", "interactions", "deploy")
# The second pass is there for the other database: it leaves out what asks the database for nothing of its own.
SECOND_PASS = "not once"
NOTHING_SELECTED = 5
# Where journeys leave their pictures, for whoever wants to look at them.
SCREENSHOTS = "LIVEROOM_SCREENSHOTS"
NOT_PASSED_ON = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "PYTEST_ADDOPTS")

CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff check", ("-m", "ruff", "check", ".")),
    ("ruff format", ("-m", "ruff", "format", "--check", ".")),
    ("mypy", ("-m", "mypy", *CODE)),
    ("imports", ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")),
    ("migrations", ("manage.py", "makemigrations", "--check", "--dry-run")),
)


@dataclass(frozen=True, slots=True)
class Result:
    """`code` as the command gave it; `last` is its closing line where that says more than the code."""

    name: str
    code: int
    seconds: float
    last: str = ""

    @property
    def passed(self) -> bool:
        return self.code == 0


def run_step(name: str, argv: Sequence[str], *, env: Mapping[str, str], keep_last: bool = False) -> Result:
    """Shows the output as it comes."""
    print(f"\n── {name} ", "─" * (74 - len(name)), sep="", flush=True)
    began = time.monotonic()
    last = ""
    with subprocess.Popen(
        [PYTHON, *argv],
        env=env,
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as child:
        assert child.stdout is not None
        try:
            for raw in child.stdout:
                line = raw.decode(errors="backslashreplace")
                print(line, end="", flush=True)
                if keep_last and line.strip():
                    last = line.strip()
        except BaseException:
            # pytest ends what its fixtures started when it is interrupted, not when it is killed.
            child.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(30)
            child.kill()
            raise
    return Result(name=name, code=child.returncode, seconds=time.monotonic() - began, last=last)


def environment_of_tests(folder: Path, *, faults: bool) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name == SCREENSHOTS or (name not in NOT_PASSED_ON and not name.startswith("LIVEROOM_"))
    }
    data, temporary = folder / "data", folder / "tmp"
    data.mkdir()
    # What tests forget goes with the folder. Open to all, as /tmp is: copies under test run as another user.
    temporary.mkdir()
    temporary.chmod(0o1777)
    return inherited | {
        "TMPDIR": str(temporary),
        "LIVEROOM_DATA": str(data),
        "LIVEROOM_SKIP_INSTALL": "1",
        "LIVEROOM_FAULTS": "full" if faults else "small",
        "PYTHONHASHSEED": "0",
    }


def pytest_step(name: str, arguments: Sequence[str], *, env: Mapping[str, str], marked: str = "") -> Result:
    argv = ["-m", "pytest", *(["-m", marked] if marked else []), *arguments]
    if sys.stdout.isatty():
        argv.insert(2, "--color=yes")
    return run_step(name, argv, env=env, keep_last=True)


def run_all(arguments: Sequence[str], *, faults: bool, folder: Path) -> list[Result]:
    env = environment_of_tests(folder, faults=faults)
    results = []
    if not arguments:
        results += [run_step(name, argv, env=env) for name, argv in CHECKS]
    with redis_server(folder / "redis") as redis:
        env["REDIS_URL"] = redis
        results.append(pytest_step("tests on SQLite", arguments, env=env))
        with postgres_cluster(folder / "postgresql") as database:
            env["DATABASE_URL"] = database
            results.append(pytest_step("tests on PostgreSQL", arguments, env=env, marked=SECOND_PASS))
    return results


def summary(results: Sequence[Result], *, seconds: float) -> str:
    rows = []
    for result in results:
        word = "ok" if result.passed else "none" if _is_empty(result) else "FAIL"
        rows.append(f"  {word:<5} {result.name:<20} {result.seconds:7.1f} s  {result.last}".rstrip())
    return "\n".join(["", "── summary " + "─" * 67, *rows, f"  {'':<5} {'in all':<20} {seconds:7.1f} s"])


def exit_code(results: Sequence[Result]) -> int:
    """A pass for which nothing was selected counts as passed if another pass had something."""
    if all(_is_empty(result) for result in results):
        return NOTHING_SELECTED
    return 0 if all(result.passed or _is_empty(result) for result in results) else 1


def _is_empty(result: Result) -> bool:
    return result.name.startswith("tests on") and result.code == NOTHING_SELECTED


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
    told, arguments = parser.parse_known_args()
    # As Ctrl-C: what the blocks below started is ended on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if told.bench:
        return run_bench(told.bench, arguments)
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="liveroom-test-"))
    # Open to pass through: PostgreSQL and the copies under test may run as other users.
    folder.chmod(0o755)
    try:
        results = run_all(arguments, faults=told.faults, folder=folder)
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
