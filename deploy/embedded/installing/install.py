"""Everything the project needs on this machine, installed once; a second run finds it there and takes a moment.

Standard library only: it runs before anything is installed. Exit code 2: somebody with more rights has to act first."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import pwd
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.embedded.installing import python_packages as packages
from deploy.embedded.installing.system_packages import TO_RUN, VENV_MODULE, Apt, needs_of_tests
from deploy.embedded.starting import CannotStart, look_before_installing, may_install
from deploy.embedded.steps import Owner, SetupFailed, say

CHECKOUT = Path(__file__).resolve().parents[3]
VENV = CHECKOUT / ".venv"
REQUIREMENTS = CHECKOUT / "deploy" / "requirements"
PAGE = CHECKOUT / "liveroom" / "page"


class Steps:
    """Counts and times the steps that really do something."""

    def __init__(self, *, total: int) -> None:
        self._total = total
        self._number = 0
        self._began = 0.0

    def begin(self, text: str) -> None:
        self._number += 1
        self._began = time.monotonic()
        say(f"{text} ({self._number}/{self._total}) …")

    def skip(self) -> None:
        self._number += 1

    def end(self) -> None:
        say(f"  done in {time.monotonic() - self._began:.0f} s")


def owner_of_checkout() -> Owner | None:
    """Somebody else than us, or None: root must not leave its own files in another user's checkout."""
    uid = CHECKOUT.stat().st_uid
    if os.geteuid() != 0 or uid == 0:
        return None
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return None
    return Owner(name=entry.pw_name, uid=uid, gid=entry.pw_gid, home=entry.pw_dir)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two first starts in one checkout would write into the same virtual environment."""
    handle = os.open(CHECKOUT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def install(*, for_tests: bool) -> None:
    owner = owner_of_checkout()
    steps = Steps(total=4)
    has_venv = packages.venv_works(VENV)

    missing = [need for need in (*TO_RUN, *(needs_of_tests() if for_tests else ())) if not need.is_met()]
    if not has_venv and importlib.util.find_spec("ensurepip") is None:
        missing.append(VENV_MODULE)
    if missing:
        steps.begin("installing system packages")
        Apt().install(missing)
        steps.end()
    else:
        steps.skip()

    if has_venv:
        steps.skip()
    else:
        may_install()
        steps.begin("making the virtual environment")
        packages.make_venv(VENV, owner=owner)
        steps.end()

    kind = "test" if for_tests else "run"
    stamp = VENV / f".installed-{kind}"
    value = packages.stamp_of([REQUIREMENTS / "run.txt", *([REQUIREMENTS / "test.txt"] if for_tests else [])])
    if packages.is_stamped(stamp, value):
        steps.skip()
    else:
        may_install()
        steps.begin("installing Python packages")
        packages.install_requirements(
            VENV, REQUIREMENTS / f"{kind}.txt", what="installing Python packages", owner=owner
        )
        packages.write_stamp(stamp, value, owner=owner)
        steps.end()

    _install_page(steps, owner=owner)


def _install_page(steps: Steps, *, owner: Owner | None) -> None:
    listed = [PAGE / "package.json", PAGE / "package-lock.json"]
    if not all(file.exists() for file in listed):
        return
    stamp = PAGE / "node_modules" / ".installed"
    value = packages.stamp_of(listed)
    if packages.is_stamped(stamp, value):
        return
    may_install()
    steps.begin("installing front-end packages")
    npm = packages.npm_command(VENV, requirements=REQUIREMENTS / "node.txt", owner=owner)
    packages.install_page_packages(PAGE, venv=VENV, npm=npm, owner=owner)
    packages.write_stamp(stamp, value, owner=owner)
    steps.end()


def main() -> int:
    # What root makes here is read by the user that the children run as, whatever root's own umask says.
    os.umask(0o022)
    # SIGTERM as Ctrl-C: the policy-rc.d must go, whoever stops us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for_tests = "--tests" in sys.argv[1:]
    name = "deploy/test" if for_tests else "deploy/up"
    try:
        if not for_tests:
            look_before_installing()
        with one_at_a_time():
            install(for_tests=for_tests)
    except SetupFailed as failed:
        print(f"\n{name}: {failed}", file=sys.stderr)
        return failed.code
    except CannotStart as refusal:
        print(f"\n{name}: {refusal}", file=sys.stderr)
        return 1
    except OSError as error:
        at = f" at {error.filename}" if error.filename else ""
        print(f"\n{name}: the set-up failed: {error.strerror or error}{at}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
