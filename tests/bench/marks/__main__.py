"""The invisible mark: what it costs, how little it changes a picture, and what it survives:

    deploy/test --bench marks [--only face --only text …] [--lines 720 --lines 360] [--more] [--filmed] [--write-readme]

Ten drawn clips of 20 s are marked, coded as a compositor does, changed as strangers would, and read. A table of clips and changes: how
sure it was (60 is needed, about 1300 is all there is), or `–`. `--more`: what it need not survive, too; `--filmed`: a screen before a
camera. The same clips without a mark are read as well. Exit code 1: a mark that must survive did not, one was found where there is none,
less than 45 dB, or more than 1.5 ms a frame of 720 lines."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from streams.media.marking.embedding import Marker
from streams.media.marking.read import read_mark
from tests.bench.marks import contents
from tests.bench.marks.attacks import ATTACKS, Attack, attacked
from tests.bench.marks.filming import CAMERAS, filmed

NUMBER = 0xBEEF1234
KBPS = {720: 2500, 360: 900}
LEAST_PSNR, MOST_MS = 45.0, 1.5
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
README = Path(__file__).resolve().parents[3] / "streams" / "media" / "marking" / "README.md"


@dataclass
class Row:
    clip: str
    lines: int
    psnr: float = 0.0
    ms: float = 0.0
    cells: list[str] = field(default_factory=list)
    good: bool = True


def made(kind: str, *, lines: int, folder: Path) -> tuple[Path, Path, Row]:
    """The clip with its mark and without it, coded; and what the mark did to it."""
    width = lines * 16 // 9
    marker = Marker(NUMBER, width=width, height=lines, fps=contents.FPS)
    marked, plain = folder / f"{kind}-{lines}.mp4", folder / f"{kind}-{lines}-plain.mp4"
    children = [_encoder(path, width=width, lines=lines) for path in (marked, plain)]
    wrong, spent, frames = 0.0, 0.0, 0
    for picture in contents.KINDS[kind](width, lines):
        planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
        _write(children[1], planes)
        luma = planes[:lines]
        before = luma.astype(np.int16)
        began = time.thread_time()
        marker.embed(luma, frames)
        spent += time.thread_time() - began
        wrong += float(((luma - before) ** 2).mean())
        frames += 1
        _write(children[0], planes)
    for child in children:
        child.communicate()
    return marked, plain, Row(kind, lines, 10 * np.log10(255**2 / (wrong / frames)), spent / frames * 1000)


def _encoder(target: Path, *, width: int, lines: int) -> subprocess.Popen[bytes]:
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{lines}", "-r", str(contents.FPS), "-i", "pipe:0"]
    rate = [f"-{name}" if name[0] != "-" else name for name in ("b:v", "maxrate", "bufsize")]
    coded = ["-c:v", "libx264", "-preset", "veryfast", "-g", str(2 * contents.FPS)]
    rates = [word for name in rate for word in (name, f"{KBPS[lines]}k")]
    return subprocess.Popen(
        ["nice", "ffmpeg", "-v", "error", "-y", *raw, *coded, *rates, str(target)], stdin=subprocess.PIPE
    )


def _write(child: subprocess.Popen[bytes], planes: np.ndarray) -> None:
    assert child.stdin is not None
    child.stdin.write(planes.tobytes())


def _read(path: Path, *, must: bool, row: Row) -> str:
    found = read_mark(path, seconds=60).found
    right = found is not None and found.number == NUMBER
    row.good = row.good and (right or (not must and found is None))
    if found is None:
        return "**–**" if must else "–"
    return f"{found.sureness:.0f}" if right else "**wrong**"


def row_of(kind: str, *, lines: int, attacks: Sequence[Attack], with_cameras: bool, folder: Path) -> Row:
    marked, plain, row = made(kind, lines=lines, folder=folder)
    row.good = row.psnr >= LEAST_PSNR and (lines != 720 or row.ms <= MOST_MS)
    copy = folder / "copy.mp4"
    for attack in attacks:
        row.cells.append(_read(attacked(marked, attack, target=copy), must=attack.must, row=row))
        print(f"{kind} {lines} {attack.name}: {row.cells[-1]}", file=sys.stderr, flush=True)
    for camera in CAMERAS if with_cameras else ():
        row.cells.append(_read(filmed(marked, camera, target=copy), must=False, row=row))
        print(f"{kind} {lines} {camera.name}: {row.cells[-1]}", file=sys.stderr, flush=True)
    nothing = [read_mark(path, seconds=60).found for path in (plain, attacked(plain, ATTACKS[7], target=copy))]
    row.good = row.good and nothing == [None, None]
    row.cells.append("none" if nothing == [None, None] else "**found**")
    for path in (marked, plain, copy):
        path.unlink()
    print(f"{kind} {lines}: {row.psnr:.1f} dB, {row.ms:.2f} ms, unmarked {row.cells[-1]}", file=sys.stderr, flush=True)
    return row


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy/test --bench marks", allow_abbrev=False, description=__doc__)
    parser.add_argument("--only", choices=list(contents.KINDS), action="append")
    parser.add_argument("--lines", type=int, choices=sorted(KBPS), action="append")
    parser.add_argument("--more", action="store_true")
    parser.add_argument("--filmed", action="store_true")
    parser.add_argument(
        "--write-readme", action="store_true", help="put the table into streams/media/marking/README.md"
    )
    told = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    attacks = [attack for attack in ATTACKS if attack.must or told.more]
    columns = [attack.name for attack in attacks] + [camera.name for camera in CAMERAS if told.filmed]
    rows = []
    with tempfile.TemporaryDirectory(prefix="marks-") as folder:
        for lines in told.lines or (720, 360):
            for kind in told.only or contents.KINDS:
                rows.append(
                    row_of(kind, lines=lines, attacks=attacks, with_cameras=told.filmed, folder=Path(folder))
                )  # fmt: skip
    text = table(rows, columns)
    print(text)
    if told.write_readme:
        before, _, rest = README.read_text().partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")
    return 0 if all(row.good for row in rows) else 1


def table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Clips across, changes down: there are more of these."""
    heads = ["", *(f"{row.clip} {row.lines}" for row in rows)]
    lines = [heads, ["---"] * len(heads)]
    lines.append(["PSNR, dB", *(f"{row.psnr:.1f}" for row in rows)])
    lines.append(["ms a frame", *(f"{row.ms:.2f}" for row in rows)])
    for number, name in enumerate([*columns, "the same without a mark"]):
        lines.append([name, *(row.cells[number] for row in rows)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
