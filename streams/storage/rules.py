"""Keys, signatures and names of kept files. Plain Python.

The signature is nginx's secure_link_md5 over the expiry, the folder, the name to save as, and a secret; the location `/vault/` of
deploy/nginx/nginx.conf.template is the other side."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from urllib.parse import quote

KEY_BYTES = 200
NAME_CHARACTERS = 120
_PART = r"[a-z0-9_-][a-z0-9._-]{0,99}"
_KEY = re.compile(rf"(?:{_PART}/){{1,8}}{_PART}")
_FOLDER = re.compile(rf"{_PART}(?:/{_PART}){{0,7}}")
_FILE_NAME = re.compile(_PART)

CONTENT_TYPES = {
    "mp4": "video/mp4",
    "m4s": "video/mp4",
    "ts": "video/mp2t",
    "flv": "video/x-flv",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "mp3": "audio/mpeg",
    "m3u8": "application/vnd.apple.mpegurl",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "vtt": "text/vtt",
    "json": "application/json",
    "xml": "text/xml",
}


def checked_key(key: str) -> str:
    """ValueError: it is no key. Keys are ours: a bad one is a fault of the code, not of who asked."""
    if len(key) > KEY_BYTES or not _KEY.fullmatch(key):
        raise ValueError(f"{key[:80]!r} is no key: folder/name of [a-z0-9_-.], at most {KEY_BYTES} characters.")
    return key


def checked_folder(folder: str) -> str:
    if len(folder) > KEY_BYTES or not _FOLDER.fullmatch(folder):
        raise ValueError(f"{folder[:80]!r} is no folder of keys: [a-z0-9_-.] between slashes.")
    return folder


def is_file_name(name: str) -> bool:
    return _FILE_NAME.fullmatch(name) is not None


def content_type_of(key: str) -> str:
    return CONTENT_TYPES.get(key.rpartition(".")[2], "application/octet-stream")


def is_playlist(key: str) -> bool:
    return key.endswith(".m3u8")


def name_to_save_as(wanted: str) -> str:
    """What somebody named it, as a file name for every system: no paths, no controls, no reserved signs, never empty."""
    name = "".join("_" if letter in '/\\:*?"<>|' or not letter.isprintable() else letter for letter in wanted)
    name = " ".join(name.split()).strip(" .")
    if len(name) > NAME_CHARACTERS:
        stem, dot, ending = name.rpartition(".")
        ending = ending if dot and len(ending) <= 8 else ""
        room = NAME_CHARACTERS - len(ending) - 1
        name = f"{stem[:room]}.{ending}" if ending else name[:NAME_CHARACTERS]
    return name or "file"


def quoted_name(wanted: str) -> str:
    """As it stands in `?as=` and in `filename*` (RFC 5987): everything but letters, digits and -._~ in percent-encoding."""
    return quote(name_to_save_as(wanted), safe="")


def disposition(wanted: str, *, key: str) -> str:
    """RFC 6266, with the key's own name for what knows no filename*. As nginx writes it."""
    return f"attachment; filename=\"{key.rpartition('/')[2]}\"; filename*=UTF-8''{quoted_name(wanted)}"


def signature(*, folder: str, expires: int, save_as: str, secret: str) -> str:
    """`folder` without closing slash; `save_as` as it stands in the query."""
    digest = hashlib.md5(f"{expires}/{folder}/ {save_as} {secret}".encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def signed_path(*, key: str, expires: int, download_as: str, secret: str, root: str = "/vault") -> str:
    folder, _, name = checked_key(key).rpartition("/")
    save_as = quoted_name(download_as) if download_as else ""
    signed = signature(folder=folder, expires=expires, save_as=save_as, secret=secret)
    return f"{root}/{signed}/{expires}/{folder}/{name}" + (f"?as={save_as}" if save_as else "")


_URI = re.compile(r'(?P<before>[:,]URI=")(?P<name>[^"]*)(?P<after>")')


def playlist_with_addresses(text: str, *, address_of: Callable[[str], str]) -> str:
    """A playlist whose names, and the URI="…" of its tags, are addresses. A name that is none of ours is left out: ValueError."""

    def addressed(name: str) -> str:
        if not is_file_name(name):
            raise ValueError("The playlist names what does not lie beside it.")
        return address_of(name)

    lines = []
    for line in text.splitlines():
        if line.startswith("#"):
            lines.append(_URI.sub(lambda found: found["before"] + addressed(found["name"]) + found["after"], line))
        elif line.strip():
            lines.append(addressed(line.strip()))
    return "\n".join(lines) + "\n"
