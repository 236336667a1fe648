"""A picture of the page for the README: an evening stream, several people talking."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.helpers.browser import browser
from tests.helpers.stack import Stack
from tests.journeys.test_page import PLAYING, Room, open_room, person

TALK = (
    ("Mia", "good evening everybody", ""),
    ("健二", "こんばんは！音が最高です", "#6fd3ff"),
    ("Ana", "that bass line again, yes", ""),
    ("小林", "好听，再来一首", "#ffe66d"),
    ("Mia", "greetings from Lisbon", ""),
    ("Omar", "مرحبا من القاهرة", ""),
    ("Ana", "which filter is that?", "#ff9ede"),
    ("Stella", "a very old one, found on a flea market", ""),
    ("健二", "初めて来ました", ""),
    ("Omar", "is the sea behind you real?", "#7ee787"),
    ("小林", "主播加油", ""),
    ("Mia", "please never stop", "#c4a7ff"),
    ("Ana", "one more before you go!", ""),
)


def evening(folder: Path) -> Path:
    """Two seconds of a sea at sunset, drawn by ffmpeg's own arithmetic. The sky stands still, the sea moves in a loop."""
    sky = "Y/335"
    glow = "exp(-hypot(X-480,Y-285)/180)"
    hills = (
        "gt(Y,335-90*exp(-pow((X-130)/150,2))-26*abs(sin(X/42))*exp(-pow((X-120)/190,2)))"
        "+gt(Y,335-66*exp(-pow((X-890)/160,2))-22*abs(sin(X/31))*exp(-pow((X-890)/190,2)))"
    )
    sun = "clip((132-hypot(X-480,Y-285))/1.5,0,1)"

    def still(above: str, of_sun: str, of_glow: int, of_hill: int) -> str:
        return f"if(gt({hills},0),{of_hill},({above}+{of_glow}*{glow})*(1-{sun})+{of_sun}*{sun})"

    top = (
        f"geq=r='{still(f'24+150*pow({sky},2)', '255', 120, 60)}':g='{still(f'14+60*pow({sky},3)', '(238-150*(Y-150)/190)', 70, 20)}'"
        f":b='{still(f'58+70*{sky}', '110', 20, 80)}'"
    )
    wave = "pow(0.5+0.5*sin(70*pow(Y/H+0.06,0.5)+2*PI*T+2.2*sin(X/W*9+Y/H*4+PI*T)),4)"
    shine = f"exp(-abs(X-W/2)/(W*(0.09+0.17*Y/H)))*(0.25+0.75*{wave})"
    sea = f"geq=r='min(255,86-40*Y/H+190*{shine})':g='46-26*Y/H+120*{shine}':b='112-46*Y/H+70*{shine}'"
    path = folder / "evening.flv"
    subprocess.run(
        [
            "ffmpeg", "-v", "error", "-y",
            "-f", "lavfi", "-i", f"color=black:s=960x336:r=1:d=1,format=gbrp,{top}",
            "-f", "lavfi", "-i", f"color=black:s=320x68:r=25:d=2,format=gbrp,{sea},scale=960:204:flags=bicubic",
            "-f", "lavfi", "-i", "sine=f=220:r=44100:d=2",
            "-filter_complex", "[0:v]loop=49:1,fps=25,setpts=N/25/TB[top];[top][1:v]vstack,format=yuv420p[v]",
            "-map", "[v]", "-map", "2:a", "-t", "2", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "1200k",
            "-g", "25", "-bf", "0", "-c:a", "aac", str(path),
        ],
        check=True, timeout=120,
    )  # fmt: skip
    return path


@pytest.mark.journey
def test_a_lively_room_for_the_readme(stack: Stack, tmp_path: Path) -> None:
    target = Path(os.environ.get("LIVEROOM_SCREENSHOTS") or tmp_path) / "page.png"
    room = Room.made(
        stack,
        title="Sunset set, live from the harbour",
        notice="Tonight: the new record from start to end, then your requests.",
        introduction="Stella plays synthesisers by the sea, every Friday at eight.",
    )
    people = {nick: person(stack, nick) for nick in dict.fromkeys(nick for nick, _, _ in TALK)}
    people["Stella"] = stack.usersig("stella")
    clip = evening(tmp_path)
    push = [
        "ffmpeg",
        "-v",
        "error",
        "-re",
        "-stream_loop",
        "-1",
        "-i",
        str(clip),
        "-c",
        "copy",
        "-f",
        "flv",
        room.push_url,
    ]
    with ExitStack() as after:
        child = subprocess.Popen(push, stdin=subprocess.DEVNULL)
        after.callback(child.wait)
        after.callback(child.kill)
        nora = after.enter_context(browser(width=1280, height=760))
        open_room(nora, room, usersig=person(stack, "Nora"))
        nora.until(PLAYING)
        nora.click("#unmute")
        # The others, as quiet guests.
        nora.run_async(
            """
            const { RoomSocket } = await import('/static/page/room-socket.js');
            const { sockets: urls, room, sdkappid } = JSON.parse(document.getElementById('shell').textContent);
            window.guests = Array.from({ length: 41 }, () => new RoomSocket({ urls, room, sdkappid }));
            for (const guest of window.guests) guest.connect();
            """
        )
        nora.until("document.getElementById('online-count').textContent === '42'")
        for nick, text, color in TALK:
            room.say(text, usersig=people[nick], **({"color": color} if color else {}))
            stack.api("POST", f"rooms/{room.id}/likes", {"count": 19}, bearer=people[nick])
            time.sleep(0.55)
        nora.type("#comment", "I could listen to this all night")
        nora.until("document.querySelectorAll('.comment').length === arguments[0]", len(TALK) + 1)
        for _ in range(4):
            nora.click("#like")
        # The last of them have come in from the right edge now, the first have not left yet.
        time.sleep(1)
        nora.run("document.activeElement?.blur(); document.getElementById('like').click()")
        time.sleep(0.5)
        nora.screenshot(target)
        assert nora.run("return document.querySelectorAll('.bullet').length") >= 5
        assert nora.errors() == []
    assert target.stat().st_size > 50_000
