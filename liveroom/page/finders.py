"""Finds the served files of the players: the folders of STATICFILES_DIRS, without their maps and other builds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.staticfiles.finders import FileSystemFinder

from liveroom.page.vendor import SERVED, VENDOR_DIRS


class VendorFinder(FileSystemFinder):
    """In STATICFILES_FINDERS instead of FileSystemFinder; folders that are not ours are served whole."""

    _ours = frozenset(prefix for prefix, _ in VENDOR_DIRS)

    def list(self, ignore_patterns: Any) -> Iterator[Any]:
        for path, storage in super().list(ignore_patterns):
            if getattr(storage, "prefix", None) not in self._ours or path in SERVED:
                yield path, storage

    def find_location(self, root: str, path: str, prefix: str | None = None) -> str | None:
        if prefix in self._ours and path.removeprefix(f"{prefix}/") not in SERVED:
            return None
        return super().find_location(root, path, prefix)
