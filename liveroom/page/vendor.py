"""The players that npm installs beside this file, and the few of their files that are served.

Nothing is copied into the tree: `VENDOR_DIRS` are for STATICFILES_DIRS, `VendorFinder` (finders.py) shows only `SERVED`."""

from __future__ import annotations

from pathlib import Path

NODE_MODULES = Path(__file__).resolve().parent / "node_modules"

# Served under /static/<prefix>/.
VENDOR_DIRS = [
    ("vendor/mpegts", NODE_MODULES / "mpegts.js" / "dist"),
    ("vendor/hls", NODE_MODULES / "hls.js" / "dist"),
    ("vendor/lottie", NODE_MODULES / "lottie-web" / "build" / "player"),
]

# hls.js alone ships 30 MB of builds and maps; a page needs one of them.
# Of lottie-web the build without expressions: those need eval.
SERVED = frozenset({"mpegts.js", "mpegts.js.LICENSE.txt", "hls.min.js", "lottie_light.min.js"})


def missing() -> list[str]:
    """What `npm ci` in this folder would bring; empty when the page can play."""
    wanted = {
        "vendor/mpegts": "mpegts.js",
        "vendor/hls": "hls.min.js",
        "vendor/lottie": "lottie_light.min.js",
    }
    return [str(folder / wanted[prefix]) for prefix, folder in VENDOR_DIRS if not (folder / wanted[prefix]).is_file()]
