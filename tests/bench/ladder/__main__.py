"""What the presets of the ladder save at equal quality, and how soon a ladder plays:

    deploy/test --bench ladder [--only screen|face|sport|animation|small_face|first] [--write-readme]

Needs `pip install -r tests/bench/ladder/requirements.txt`. Each clip is coded at four qualities by each preset's own settings
(`streams/media/x264.py`), without the cap; bits are compared at equal SSIM, and at equal VMAF where an ffmpeg here knows it. `as set`
is what a rung of 600 kb/s comes to. `first`: a whole copy, from the publish (keyframes two seconds apart) to the first segment.
Exit code 1: top_speed saves less than a quarter over fast, or the first segment comes later than four seconds."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.ladder import coding, contents, first
from tests.bench.ladder.coding import Point

PRESETS = ("fast", "balanced", "top_speed")
WISH_KBPS = 600
LEAST_SAVED, LATEST_SECONDS = 0.25, 4.0
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
README = Path(__file__).resolve().parents[3] / "streams" / "ladder" / "README.md"


def row(kind: str, clip: Path) -> tuple[str, bool]:
    """One line of the table, and whether enough was saved."""
    content = coding.content_of(clip)
    curves, points = {}, {}
    for preset in PRESETS:
        curves[preset] = coding.curve(clip, preset=preset, content=content)
        points[preset] = coding.as_set(clip, preset=preset, content=content, wish_kbps=WISH_KBPS)
        print(
            f"  {kind} {preset}: {', '.join(_shown(point) for point in curves[preset])}; as set {_shown(points[preset])}",
            flush=True,
        )
    saved = {
        (over, by): coding.saving(curves["top_speed"], curves[over], by=by)
        for over in ("fast", "balanced")
        for by in ("ssim_db", "vmaf")
    }
    cells = [kind, content, *(_percent(saved[place]) for place in saved)]
    cells += [f"{points[preset].kbps:.0f} / {points[preset].ssim:.4f}" for preset in ("fast", "top_speed")]
    cells += [" / ".join(f"{_mean_cores(curves[preset]):.2f}" for preset in PRESETS)]
    return "| " + " | ".join(cells) + " |", (saved["fast", "ssim_db"] or 0.0) >= LEAST_SAVED


def _mean_cores(points: Sequence[Point]) -> float:
    return sum(point.cores for point in points) / len(points)


def _shown(point: Point) -> str:
    vmaf = "" if point.vmaf is None else f" VMAF {point.vmaf:.1f}"
    return f"{point.kbps:.0f} kb/s SSIM {point.ssim:.4f}{vmaf}"


def _percent(part: float | None) -> str:
    return "–" if part is None else f"{part * 100:.0f} %"


COLUMNS = (
    "picture", "taken for", "saved over fast, SSIM", "VMAF", "over balanced, SSIM", "VMAF", "fast as set, kb/s / SSIM", "top_speed as set",
    "cores fast / balanced / top_speed",
)  # fmt: skip
HEAD = f"| {' | '.join(COLUMNS)} |\n| {' | '.join('---' for _ in COLUMNS)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy/test --bench ladder", allow_abbrev=False, description=__doc__)
    parser.add_argument("--only", choices=[*contents.KINDS, "first"], action="append")
    parser.add_argument("--write-readme", action="store_true", help="put the table into streams/ladder/README.md")
    told = parser.parse_args(arguments)
    wanted = told.only or [*contents.KINDS, "first"]
    lines, good = [HEAD], True
    with tempfile.TemporaryDirectory(prefix="ladder-clips-") as folder:
        for kind in (kind for kind in contents.KINDS if kind in wanted):
            try:
                clip = contents.make(kind, Path(folder))
            except FileNotFoundError as error:
                print(error, file=sys.stderr)
                return 2
            line, enough = row(kind, clip)
            lines.append(line)
            good = good and enough
    text = "\n".join(lines)
    if "first" in wanted:
        seconds = first.measure()
        shown = ", ".join(f"{one:.1f}" for one in seconds)
        text += f"\n\nFrom the publish to the first segment of every rung, keyframes two seconds apart: {shown} s."
        good = good and max(seconds) < LATEST_SECONDS
    print(text)
    if told.write_readme and not told.only:
        before, _, rest = README.read_text().partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2] or rest}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
