"""Standard output of a child, line by line: ffmpeg's `-progress` blocks on one side, everything else on the other. Pure."""

from __future__ import annotations

from collections import deque
from contextlib import suppress

from streams.jobs.kinds import Progress

_MOST_LINES = 400
_LONGEST_LINE = 4096
_KEYS = frozenset(
    {
        "frame", "fps", "bitrate", "total_size", "out_time_us", "out_time_ms", "out_time", "dup_frames", "drop_frames",
        "speed", "progress",
    }
)  # fmt: skip


class Reader:
    """Feed it bytes. `progress` is the last whole block, `blocks` how many there were; `take_lines` gives the other lines once."""

    def __init__(self) -> None:
        self.progress = Progress()
        self.blocks = 0
        self._rest = b""
        self._block: dict[str, str] = {}
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)

    def feed(self, data: bytes) -> None:
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LONGEST_LINE:]
        for raw in lines:
            line = raw[:_LONGEST_LINE].decode("utf-8", "replace").strip()
            key, equals, value = line.partition("=")
            if equals and (key in _KEYS or key.startswith("stream_")):
                self._block[key] = value.strip()
                if key == "progress":
                    self._end_block()
            elif line:
                self._lines.append(line)

    def take_lines(self) -> list[str]:
        """From any thread, while another one feeds."""
        taken = []
        while self._lines:
            taken.append(self._lines.popleft())
        return taken

    def _end_block(self) -> None:
        block, self._block = self._block, {}
        before = self.progress
        speed = _number(block.get("speed", "").removesuffix("x"))
        out_us = _number(block.get("out_time_us") or block.get("out_time_ms"))
        self.progress = Progress(
            # Before the first packet ffmpeg says N/A, or a huge negative number.
            out_seconds=out_us / 1_000_000 if out_us is not None and out_us >= 0 else before.out_seconds,
            frame=int(_number(block.get("frame")) or 0),
            fps=_number(block.get("fps")) or 0.0,
            speed=speed,
            bitrate_kbps=_number(block.get("bitrate", "").removesuffix("kbits/s")) or 0.0,
            size_bytes=int(_number(block.get("total_size")) or before.size_bytes),
            dropped_frames=int(_number(block.get("drop_frames")) or 0),
            duplicated_frames=int(_number(block.get("dup_frames")) or 0),
        )
        self.blocks += 1


def _number(text: str | None) -> float | None:
    with suppress(ValueError):
        found = float(text) if text else None
        return found if found is not None and found == found and abs(found) != float("inf") else None
    return None
