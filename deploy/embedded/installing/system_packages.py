"""System packages by apt: what is missing is installed, and nothing that comes with it starts by itself.

Whether a thing is there is asked of the disk, not of dpkg, so a self-built nginx or another distribution is fine too.
A service that was there before, running or not, is left as it was."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.embedded.steps import SetupFailed, run

SEARCH = os.pathsep.join(
    [os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"]
)
OUR_MARK = "# Put here by deploy/up for the length of one installation; safe to delete."
POLICY = f"#!/bin/sh\n{OUR_MARK}\nexit 101\n"


@dataclass(frozen=True, slots=True)
class Need:
    """A thing that must be on the machine: any one of `found_by` (a command, or a path with wildcards) shows it is."""

    packages: tuple[str, ...]
    found_by: tuple[str, ...]
    units: tuple[str, ...] = ()

    def is_met(self) -> bool:
        return any(
            glob.glob(sign) if sign.startswith("/") else shutil.which(sign, path=SEARCH) for sign in self.found_by
        )


TO_RUN = (
    Need(("nginx-light",), ("nginx",), ("nginx.service",)),
    Need(("libnginx-mod-rtmp",), ("/usr/lib/nginx/modules/ngx_rtmp_module.so",), ("nginx.service",)),
    Need(("ffmpeg",), ("ffmpeg",)),
    Need(("redis-server",), ("redis-server",), ("redis-server.service",)),
    Need(("fonts-noto-cjk",), ("/usr/share/fonts/*/noto/NotoSansCJK-*", "/usr/share/fonts/*/NotoSansCJK*")),
    # What is written on mixed pictures: other scripts, emoji, and (for Pillow's raqm) who knows right from left.
    Need(("fonts-noto-core",), ("/usr/share/fonts/*/noto/NotoSansArabic-*", "/usr/share/fonts/*/NotoSansArabic*")),
    Need(
        ("fonts-noto-color-emoji",), ("/usr/share/fonts/*/noto/NotoColorEmoji*", "/usr/share/fonts/*/NotoColorEmoji*")
    ),
    Need(("libfribidi0",), ("/usr/lib/*/libfribidi.so.0", "/usr/lib*/libfribidi.so.0")),
    Need(("util-linux",), ("setpriv",)),
)
# On Ubuntu `chromium` is a snap, which cannot be had by apt; CHROMIUM names one there and the tests say so.
BROWSER = Need(("chromium", "chromium-driver"), ("chromedriver",))
TO_TEST = (
    Need(("postgresql",), ("initdb", "/usr/lib/postgresql/*/bin/initdb"), ("postgresql.service",)),
    Need(("vlc-bin", "vlc-plugin-base"), ("cvlc",)),
    Need(("obs-studio", "obs-plugins", "libgl1-mesa-dri"), ("obs",)),
    Need(("xvfb",), ("Xvfb",)),
    Need(("dbus-x11",), ("dbus-run-session",)),
)
# For `deploy/test --bench fanout` alone: a compiler for its load client, and a rival.
TO_BENCH = (
    Need(("gcc", "libc6-dev"), ("cc",)),
    Need(("nginx-light", "libnginx-mod-nchan"), ("/usr/lib/nginx/modules/ngx_nchan_module.so",), ("nginx.service",)),
)

VENV_MODULE = Need(("python3-venv",), ())


def distribution() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/etc/os-release").read_text().splitlines():
            if line.startswith("ID="):
                return line[3:].strip('"')
    return ""


def needs_of_tests() -> tuple[Need, ...]:
    return TO_TEST if distribution() == "ubuntu" else (*TO_TEST, BROWSER)


@dataclass(frozen=True, slots=True)
class Apt:
    """How packages are installed here. Tests name other paths."""

    policy: Path = Path("/usr/sbin/policy-rc.d")
    lists: Path = Path("/var/lib/apt/lists")
    # An existing folder to lock: two set-ups at once must not remove the policy under each other's feet.
    locked: Path = Path("/var/lib/dpkg")
    # Words in front of a command that root has to run; None where neither root nor sudo is there.
    as_root: tuple[str, ...] | None = field(default_factory=lambda: _root_prefix())

    def install(self, needs: Sequence[Need]) -> None:
        """Raises SetupFailed: code 2 with the line to type where neither root nor sudo is there, code 1 otherwise."""
        packages = list(dict.fromkeys(package for need in needs for package in need.packages))
        line = f"apt-get install --no-install-recommends {' '.join(packages)}"
        if shutil.which("apt-get") is None:
            raise SetupFailed(
                f"Missing: {', '.join(packages)} (names as in Debian). Install them, then start again.", code=2
            )
        if self.as_root is None:
            raise SetupFailed(f"System packages are missing. Type as root: {line} (then start again).", code=2)
        units = [
            unit for unit in dict.fromkeys(unit for need in needs for unit in need.units) if not _unit_exists(unit)
        ]
        with self._nothing_starts():
            if not list(self.lists.glob("*Packages*")):
                self._apt("update")
            try:
                self._apt("install", *packages)
            except SetupFailed:
                # Old lists name versions that the mirrors no longer have.
                self._apt("update")
                self._apt("install", *packages)
        for unit in units:
            self._keep_off_at_boot(unit)

    def _apt(self, verb: str, *packages: str) -> None:
        options = ["-qq", "-y", "-o", "DPkg::Lock::Timeout=300"]
        if packages:
            options.append("--no-install-recommends")
        argv = [*(self.as_root or ()), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *options, verb, *packages]
        run(argv, what="reading package lists" if verb == "update" else "installing system packages")

    @contextlib.contextmanager
    def _nothing_starts(self) -> Iterator[None]:
        """A policy-rc.d for the length of the block; one that somebody else put there stays and is respected."""
        handle = os.open(self.locked, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self.remove_left_over_policy()
            ours = not self.policy.exists()
            try:
                if ours:
                    self._write_policy()
                yield
            finally:
                if ours:
                    self._remove_policy()
        finally:
            os.close(handle)

    def remove_left_over_policy(self) -> None:
        """After a set-up that was killed in the middle."""
        with contextlib.suppress(OSError):
            if OUR_MARK in self.policy.read_text():
                self._remove_policy()

    def _write_policy(self) -> None:
        script = 'umask 022; printf %s "$1" > "$2" && chmod 755 "$2"'
        subprocess.run([*(self.as_root or ()), "sh", "-c", script, "sh", POLICY, str(self.policy)], check=True)

    def _remove_policy(self) -> None:
        subprocess.run([*(self.as_root or ()), "rm", "-f", str(self.policy)], check=False)

    def _keep_off_at_boot(self, unit: str) -> None:
        # The policy holds for this installation only; an enabled unit would take port 80 or 6379 at the next boot.
        if shutil.which("systemctl") and _unit_exists(unit):
            subprocess.run(
                [*(self.as_root or ()), "systemctl", "disable", "--quiet", unit], check=False, capture_output=True
            )


def _unit_exists(unit: str) -> bool:
    return any(
        Path(folder, unit).exists()
        for folder in ("/lib/systemd/system", "/usr/lib/systemd/system", "/etc/systemd/system")
    )


def _root_prefix() -> tuple[str, ...] | None:
    if os.geteuid() == 0:
        return ()
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True).returncode == 0
    ):
        return ("sudo", "-n")
    return None
