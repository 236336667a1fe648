"""The process of a compositor: `start.py` says how it is started."""

from __future__ import annotations

import logging
import os
import sys

import msgspec

from streams.media.compositor.start import VARIABLE, read

# No `Start`, or none that can be read: starting it again changes nothing.
BAD_START = 2


def main() -> int:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    text = os.environ.get(VARIABLE)
    if not text:
        print(f"{VARIABLE} is missing: this process is started by the job of a mix.", file=sys.stderr)
        return BAD_START
    try:
        start = read(text)
    except msgspec.MsgspecError as error:
        print(f"{VARIABLE} cannot be read: {error}", file=sys.stderr)
        return BAD_START
    # Children need not know it: it holds secrets.
    del os.environ[VARIABLE]
    import cv2

    from streams.media.compositor.running import run

    # Bands of a picture on two cores took 1.7 times the CPU of one (two of 720p scaled to half), and the encoder needs the other.
    cv2.setNumThreads(1)
    return run(start)


if __name__ == "__main__":
    sys.exit(main())
