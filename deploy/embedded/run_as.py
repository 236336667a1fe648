"""Who the children run as, and the data folder made theirs.

Started as root they run as the owner of the checkout, or as `www-data` if that is root; they stay root only if that
user cannot read the checkout or run its Python, and then it is said."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

FALLBACK = "www-data"
# What shows that a folder with something in it is a copy's data folder. Any other is not taken over: LIVEROOM_DATA=/var
# must not make all of it the ordinary user's.
MARK = ".liveroom"
OURS = frozenset({MARK, "secret_key"})
MADE_BY_FORMATTING = frozenset({"lost+found"})
FOLDERS = ("run", "run/nginx", "redis")


@dataclass(frozen=True, slots=True)
class User:
    name: str
    uid: int
    gid: int


class UnfitDataFolder(Exception):
    pass


def choose_user(
    *, checkout: Path, data: Path, python: Path, modules: str = "django, liveroom"
) -> tuple[User | None, str]:
    """The user to change to (None: stay who we are) and a warning for people, or "". `modules`: what that user has to be able to
    import."""
    if os.geteuid() != 0:
        return None, ""
    uid = checkout.stat().st_uid
    try:
        entry = pwd.getpwuid(uid) if uid != 0 else pwd.getpwnam(FALLBACK)
    except KeyError:
        return None, f"running as root: there is no user {FALLBACK if uid == 0 else uid} to run as"
    user = User(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    unreachable = _unreachable(user, checkout=checkout, data=data, python=python, modules=modules)
    if unreachable:
        return None, f"running as root: the user {user.name} cannot {unreachable}"
    return user, ""


def _unreachable(user: User, *, checkout: Path, data: Path, python: Path, modules: str) -> str:
    """What this user cannot do, in words; "" if all is well. The data folder itself is given to the user later."""
    imported = ", ".join(part for part in ("os", "sys", modules) if part)
    program = f"import {imported}; os.listdir('deploy'); sys.exit(0 if os.access(sys.argv[1], os.X_OK) else 3)"
    try:
        told = subprocess.run(
            [str(python), "-c", program, str(data.parent)],
            user=user.uid,
            group=user.gid,
            extra_groups=os.getgrouplist(user.name, user.gid),
            cwd=checkout,
            check=False,
            capture_output=True,
        )
    except OSError:
        return f"read {checkout}, or run {python}"
    if told.returncode == 3:
        return f"enter {data.parent}"
    return f"read {checkout}, or run {python}" if told.returncode else ""


def prepare_data_folder(data: Path, *, checkout: Path) -> None:
    """Makes the folder, closed to others, with what has to be in it. Raises UnfitDataFolder, having written nothing."""
    if data == checkout or data in checkout.parents:
        raise UnfitDataFolder(f"LIVEROOM_DATA={data} holds the checkout itself; name a folder of its own.")
    if data.exists() and not data.is_dir():
        raise UnfitDataFolder(f"LIVEROOM_DATA={data} is a file; name a folder.")
    data.mkdir(parents=True, exist_ok=True)
    found = set(os.listdir(data)) - MADE_BY_FORMATTING
    if found and not found & OURS:
        raise UnfitDataFolder(
            f"LIVEROOM_DATA={data} holds other things; name an empty folder or that of an earlier start."
        )
    if os.geteuid() not in (0, data.stat().st_uid):
        raise UnfitDataFolder(
            f"LIVEROOM_DATA={data} belongs to another user; name a folder of your own, or start as its owner."
        )
    data.chmod(0o700)
    (data / MARK).touch()
    for name in FOLDERS:
        (data / name).mkdir(exist_ok=True)


def give_to(top: Path, *, owner: User) -> None:
    """By descriptors, links not followed: root walks through a folder that an ordinary user may change meanwhile."""
    os.chown(top, owner.uid, owner.gid, follow_symlinks=False)
    for _, folders, files, handle in os.fwalk(top, follow_symlinks=False):
        for name in (*folders, *files):
            found = os.stat(name, dir_fd=handle, follow_symlinks=False)
            foreign = (found.st_uid, found.st_gid) != (owner.uid, owner.gid)
            # A second name of one file may be another user's file outside.
            if foreign and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
                os.chown(name, owner.uid, owner.gid, dir_fd=handle, follow_symlinks=False)


def write_private(path: Path, text: str, *, owner: User | None = None) -> None:
    """Replaces the file in one step, readable by its owner only."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    # O_EXCL: root writes into a folder of an ordinary user, who could have put a link there.
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        if owner is not None:
            os.fchown(handle, owner.uid, owner.gid)
    new.replace(path)
