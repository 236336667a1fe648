"""What is done to a marked film before it is read: by ffmpeg, in one go, coded again by x264 (veryfast)."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

# A tenth off each side's length, not in the middle.
CROP = "crop=iw*0.9:ih*0.9:iw*0.07:ih*0.02"


@dataclass(frozen=True, slots=True)
class Attack:
    """`kbps`: of the copy; `filters`: of ffmpeg; `before`: options in front of the input. `must`: the mark has to survive it."""

    name: str
    kbps: int
    filters: str = ""
    before: tuple[str, ...] = ()
    must: bool = True


CUT = ("-ss", "3.37")
ATTACKS = (
    Attack("400 kb/s", 400),
    Attack("240p", 1000, "scale=-2:240"),
    Attack("cut start", 2500, before=CUT),
    Attack("crop 10 %", 2500, CROP),
    Attack("25 to 30 fps", 2500, "fps=30"),
    Attack("240p, 400 kb/s", 400, "scale=-2:240"),
    Attack("crop, scaled back, 400 kb/s", 400, f"{CROP},scale=iw/0.9:ih/0.9"),
    Attack("all five", 400, f"{CROP},scale=-2:240,fps=30", CUT),
    Attack("200 kb/s", 200, must=False),
    Attack("240p, 100 kb/s", 100, "scale=-2:240", must=False),
    Attack("144p, 150 kb/s", 150, "scale=-2:144", must=False),
    Attack("crop 30 %", 1500, "crop=iw*0.7:ih*0.7:iw*0.2:ih*0.05", must=False),
    Attack("crop 50 %", 1500, "crop=iw*0.5:ih*0.5:iw*0.3:ih*0.1", must=False),
    Attack(
        "a tenth off the width, stretched back", 1500, "crop=iw*0.9:ih:iw*0.03:0,scale=iw/0.9:ih,setsar=1", must=False
    ),
    Attack("stretched to 4:3", 1500, "scale=iw*0.75:ih,setsar=1", must=False),
    Attack("small, within black bars", 1500, "scale=iw*0.8:ih*0.8,pad=iw/0.8:ih/0.8:-1:-1", must=False),
    Attack("mirrored", 1500, "hflip", must=False),
    Attack("4 % faster", 1500, "setpts=PTS/1.04", must=False),
    Attack("20 % faster", 1500, "setpts=PTS/1.2", must=False),
    Attack("turned by 0.5°", 1500, "rotate=0.5*PI/180", must=False),
    Attack("turned by 2°", 1500, "rotate=2*PI/180", must=False),
    Attack("brighter, less contrast", 1500, "eq=gamma=1.4:contrast=0.8", must=False),
    Attack("6 s of it", 2500, "trim=5:11,setpts=PTS-STARTPTS", must=False),
)


def attacked(source: Path, attack: Attack, *, target: Path) -> Path:
    filters = ["-vf", attack.filters] if attack.filters else []
    rate = ["-b:v", f"{attack.kbps}k", "-maxrate", f"{attack.kbps}k", "-bufsize", f"{2 * attack.kbps}k"]
    quiet = ["nice", "ffmpeg", "-nostdin", "-v", "error", "-y", *attack.before, "-i", str(source)]
    coded = ["-an", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
    subprocess.run([*quiet, *filters, *coded, *rate, str(target)], check=True)
    return target
