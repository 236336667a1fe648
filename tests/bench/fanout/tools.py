"""What the benchmark needs beyond the project: a compiler, nchan, node with its packages, channels_redis. Had once, then found.

It stands in `bench/` of the data folder; the versions are those of `rivals/`."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.installing import python_packages as packages
from deploy.embedded.installing.install import REQUIREMENTS, VENV
from deploy.embedded.installing.system_packages import SEARCH, TO_BENCH, Apt
from deploy.embedded.steps import SetupFailed, run, say
from tests.bench.fanout.load import compiled

RIVALS = Path(__file__).with_name("rivals")
NCHAN_MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so"
CHECKOUT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Tools:
    program: Path
    node: str
    rivals: Path
    python_packages: Path
    nginx: str
    root: bool


def had() -> Tools:
    """Installs what is missing. Raises SetupFailed, which says what to do."""
    missing = [need for need in TO_BENCH if not need.is_met()]
    if missing and os.environ.get("LIVEROOM_SKIP_INSTALL") == "1":
        names = ", ".join(package for need in missing for package in need.packages)
        raise SetupFailed(f"Missing: {names}. Install them, or leave LIVEROOM_SKIP_INSTALL out.", code=2)
    if missing:
        say("installing system packages of the benchmark …")
        Apt().install(missing)
    folder = Path(os.environ.get("LIVEROOM_DATA") or CHECKOUT / "var") / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    npm = packages.npm_command(VENV, requirements=REQUIREMENTS / "node.txt", owner=None)
    beside = Path(npm[0]).with_name("node")
    return Tools(
        program=compiled(folder),
        node=str(beside) if beside.exists() else shutil.which("node") or "node",
        rivals=_node_packages(folder, npm=npm),
        python_packages=_python_packages(folder),
        nginx=shutil.which("nginx", path=SEARCH) or "nginx",
        root=os.geteuid() == 0,
    )


def _node_packages(folder: Path, *, npm: list[str]) -> Path:
    """A copy of `rivals/` with its node_modules: node looks for packages beside the program."""
    place = folder / "rivals"
    place.mkdir(exist_ok=True)
    for file in RIVALS.glob("*.js*"):
        shutil.copy(file, place)
    shutil.copy(RIVALS / ".npmrc", place)
    value = packages.stamp_of([RIVALS / "package.json", RIVALS / "package-lock.json"])
    if not packages.is_stamped(place / "node_modules" / ".installed", value):
        say("installing node packages of the benchmark …")
        run(
            [*npm, "ci", f"--cache={folder / 'npm-cache'}", "--omit=optional", "--no-update-notifier"],
            what="installing node packages",
            cwd=place,
            env={"PATH": f"{Path(npm[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        )
        packages.write_stamp(place / "node_modules" / ".installed", value, owner=None)
    return place


def _python_packages(folder: Path) -> Path:
    place, listed = folder / "python", RIVALS / "requirements.txt"
    value = packages.stamp_of([listed])
    if not packages.is_stamped(place / ".installed", value):
        say("installing Python packages of the benchmark …")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        # Everything it needs is among the project's own packages.
        run([*command, "--no-deps", "--upgrade", "--target", str(place), "-r", str(listed)], what="installing")
        packages.write_stamp(place / ".installed", value, owner=None)
    return place
