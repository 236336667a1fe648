"""A window over a real stream: written without viewers, gone back in, kept behind, through a killed gateway and a publisher who returns.

All streams are pushed at once, so that each test finds some seconds of its own."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin

import pytest

from streams.rules import url_signing
from tests.media.conftest import VID_SECRET, Clips, RunningGateway, start_gateway
from tests.media.players import ask, probe
from tests.media.rig import Rig, free_port, wait_until

pytestmark = pytest.mark.media
LONG, SHORT, BEHIND = "window-long", "window-short", "window-behind"
OWNER = url_signing.vid_of("stella")
QUICK = {"follow_seconds": 0.3, "sweep_seconds": 0.5, "recheck_seconds": 1.0}


def shift(**more: int) -> dict[str, int]:
    return {"seconds": 600, "item_seconds": 1, "delay_seconds": 0, "since_ms": 0, **more}


@dataclass
class Windows:
    """`began`: Unix time before the first picture."""

    gateway: RunningGateway
    folder: Path
    began: float

    def url(self, name: str) -> str:
        return f"{self.gateway.http}/live/{name}/dvr/index.m3u8"

    def text(self, name: str, query: str = "") -> str:
        return ask(f"{self.url(name)}{query}").body.decode()


@pytest.fixture(scope="module")
def windows(rig: Rig, clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    folder = tmp_path_factory.mktemp("windows")
    began = time.time()
    for name in (LONG, SHORT, BEHIND):
        rig.push(name, clips.both, wait=False)
    # Ten seconds of these streams.
    gateway = start_gateway(rig, folder, port=free_port(), window_stream_bytes=450_000, **QUICK)
    made = Windows(gateway=gateway, folder=folder, began=began)
    gateway.rule(LONG, shift=shift())
    gateway.rule(SHORT, shift=shift())
    gateway.rule(BEHIND, shift=shift(delay_seconds=3), undelayed=[OWNER])
    yield made
    made.gateway.process.kill()
    made.gateway.process.wait()


def listed(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def moments(text: str) -> list[float]:
    """Unix time of each item's beginning, by the list's own words."""
    found, at = [], 0.0
    for line in text.splitlines():
        if line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            at = datetime.fromisoformat(line.partition(":")[2].replace("Z", "+00:00")).timestamp()
        elif line.startswith("#EXTINF:"):
            found.append(at)
            at += float(line.partition(":")[2].rstrip(","))
    return found


def test_a_stream_is_gone_back_in_without_anybody_having_watched_it(rig: Rig, windows: Windows):
    text = wait_until(lambda: (found := windows.text(LONG)).count("m4s") >= 3 and found, seconds=20, what="a list")
    assert sorted(moments(text)) == moments(text)

    # From a moment on, and a list that stays behind.
    later = windows.text(LONG, f"?from={moments(text)[1] + 0.2:.3f}")
    begins = float(re.findall(r"#EXT-X-START:TIME-OFFSET=([\d.]+),", later)[0])
    assert moments(later)[0] + begins == pytest.approx(moments(text)[1] + 0.2, abs=0.01)
    behind, asked_at = windows.text(LONG, "?delay=2"), time.time()
    ends = moments(behind)[-1] + float(re.findall(r"#EXTINF:([\d.]+),", behind)[-1])
    assert asked_at - 5 < ends <= asked_at - 2 + 0.1
    for query, field in {
        "delay=601": "delay",
        "delay=-1": "delay",
        "from=now": "from",
        "delay=5&delay=6": "delay",
    }.items():
        refused = ask(f"{windows.url(LONG)}?{query}")
        assert (refused.status, refused.json["field"]) == (400, field)
    assert ask(f"{windows.url(LONG)}?delay=601").json["limit"] == 600

    # Its files are nginx's; without their names and the signature nobody has them.
    item = urljoin(rig.http, listed(text)[0])
    assert ask(item).body[4:8] == b"moof"
    assert ask(item.replace("/timeshift/", "/timeshift/x")).status == 404
    assert ask(re.sub(r"timeshift/.", "timeshift/-", item)).status == 403
    assert ask(re.sub(r"/(\d+)-[\w-]+\.m4s", r"/\1-AAAAAAAA.m4s", item)).status == 404
    seen = play(rig, text)
    assert (seen["video"]["codec_name"], seen["audio"]["codec_name"]) == ("h264", "aac")


def play(rig: Rig, text: str) -> dict:
    """What is in the last items, with their head, as nginx serves them."""
    head = re.findall(r'#EXT-X-MAP:URI="([^"]+)"', text)[-1]
    path = rig.folder / "window.mp4"
    path.write_bytes(b"".join(ask(urljoin(rig.http, one)).body for one in (head, *listed(text)[-2:])))
    return probe(str(path))


def test_viewers_are_kept_behind_and_those_who_run_the_room_are_not(windows: Windows):
    base, url = f"{windows.gateway.http}/live/{BEHIND}", windows.url(BEHIND)
    for address in (f"{base}.flv", f"{base}.m3u8", f"{base}/ll/index.m3u8", f"{base}/master.m3u8"):
        assert ask(address).json["name"] == "kept_behind"
    until = url_signing.tx_time(datetime.fromtimestamp(time.time() + 600, UTC))
    signed = url_signing.sign_vid(secret=VID_SECRET, stream=BEHIND, vid=OWNER, tx_time=until)
    hers = f"txTime={until}&vid={OWNER}&vsig={signed}"
    assert ask(f"{base}.flv?{hers}", method="HEAD").status == 200
    assert ask(f"{base}.flv?txTime={until}&vid={OWNER}&vsig=forged").status == 403
    text = wait_until(lambda: (found := ask(f"{url}?delay=3")).status == 200 and found.body.decode(), seconds=20)
    assert moments(text)[-1] < time.time() - 3
    assert ask(f"{url}?delay=2").json["limit"] == 3
    newest, behind = (moments(windows.text(BEHIND, query))[-1] for query in (f"?{hers}", ""))
    assert newest - behind > 1
    windows.gateway.rule(BEHIND, shift=shift(delay_seconds=3), banned=[OWNER], undelayed=[OWNER])
    wait_until(lambda: ask(f"{url}?{hers}").status == 403, what="the ban")
    windows.gateway.rule(BEHIND, shift=shift())
    time.sleep(0.3)
    assert ask(f"{base}.flv", method="HEAD").status == 200, "who is told that it may is not refused from memory"


def test_what_is_too_much_goes_the_oldest_first_and_that_is_said(rig: Rig, windows: Windows):
    wait_until(lambda: windows.gateway.held(SHORT), seconds=20, what="what there is")
    first = wait_until(lambda: listed(windows.text(SHORT)), seconds=20, what="a list")[0]
    wait_until(lambda: first not in windows.text(SHORT), seconds=15, what="the oldest to go")
    held = wait_until(lambda: (found := windows.gateway.held(SHORT)) and found["short"] and found, what="the word")
    assert "One stream may take" in held["short"]
    wait_until(lambda: ask(urljoin(rig.http, first)).status == 404, what="its file to go")
    assert sum(one.stat().st_size for one in (rig.site.data / "timeshift" / SHORT).glob("*/*.m4s")) < 600_000


def test_a_killed_gateway_goes_on_after_a_break_and_what_nobody_wants_any_more_is_removed(rig: Rig, windows: Windows):
    before = windows.text(LONG)
    windows.gateway.process.kill()
    windows.gateway.process.wait()
    folder = windows.folder / "second"
    folder.mkdir()
    windows.gateway = start_gateway(rig, folder, port=free_port(), **QUICK)
    windows.gateway.rule(LONG, shift=shift())
    breaks = before.count("#EXT-X-DISCONTINUITY\n") + 1

    def went_on() -> str:
        text = windows.text(LONG)
        return text if text.count("#EXT-X-DISCONTINUITY\n") == breaks else ""

    again = wait_until(went_on, seconds=20, what="the window to go on")
    names = [[one.rpartition("/")[2] for one in listed(of)] for of in (before, again)]
    assert names[1][: len(names[0])] == names[0], "what was written before is still there"
    gaps = [b - a for a, b in zip(moments(again), moments(again)[1:], strict=False)]
    assert max(gaps) > 1.9, "the time that nobody wrote is a gap of the clock"
    assert sorted(moments(again)) == moments(again)
    kept = rig.site.data / "timeshift"
    wait_until(lambda: not (kept / SHORT).exists(), seconds=10, what="the files of the others to go")
    assert (kept / LONG).exists()
    assert ask(windows.url(SHORT)).status == 404
