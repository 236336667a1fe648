"""A real OBS under a virtual screen: it is told server and stream key as a streamer types them, and streams a moving picture."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.helpers.stack import clip

NEEDED = ("obs", "Xvfb", "dbus-run-session")

_GLOBAL = """[General]
FirstRun=true
LicenseAccepted=true
InfoIncrement=99
EnableAutoUpdates=false
LastVersion=486539266
[Basic]
Profile=Test
ProfileDir=Test
SceneCollection=Test
SceneCollectionFile=Test
ConfigOnNewProfile=false
[BasicWindow]
WarnBeforeStartingStream=false
[Video]
Renderer=OpenGL
"""
_PROFILE = """[General]
Name=Test
[Output]
Mode=Simple
Reconnect=true
RetryDelay=2
MaxRetries=20
[SimpleOutput]
VBitrate=800
ABitrate=64
StreamEncoder=x264
UseAdvanced=true
Preset=ultrafast
x264Settings=keyint=50 bframes=0
[Video]
BaseCX=640
BaseCY=360
OutputCX=640
OutputCY=360
FPSType=1
FPSInt=25
[Audio]
SampleRate=48000
ChannelSetup=Stereo
"""


def _scene(film: Path) -> dict[str, object]:
    source = {
        "id": "ffmpeg_source",
        "versioned_id": "ffmpeg_source",
        "name": "film",
        "settings": {"is_local_file": True, "local_file": str(film), "looping": True, "restart_on_activate": True},
        "mixers": 255,
        "enabled": True,
    }
    item = {
        "name": "film",
        "id": 1,
        "visible": True,
        "pos": {"x": 0.0, "y": 0.0},
        "scale": {"x": 1.0, "y": 1.0},
        "align": 5,
    }
    scene = {"id": "scene", "versioned_id": "scene", "name": "Scene", "settings": {"id_counter": 1, "items": [item]}}
    return {
        "name": "Test",
        "current_scene": "Scene",
        "current_program_scene": "Scene",
        "scene_order": [{"name": "Scene"}],
        "sources": [source, {**scene, "enabled": True}],
    }


def _write_profile(home: Path, *, server: str, key: str) -> None:
    config = home / ".config" / "obs-studio"
    profile, scenes = config / "basic" / "profiles" / "Test", config / "basic" / "scenes"
    for folder in (profile, scenes, home / "run"):
        folder.mkdir(parents=True)
    (home / "run").chmod(0o700)
    (config / "global.ini").write_text(_GLOBAL)
    (profile / "basic.ini").write_text(_PROFILE)
    settings = {"server": server, "key": key, "use_auth": False, "bwtest": False}
    (profile / "service.json").write_text(json.dumps({"type": "rtmp_custom", "settings": settings}))
    (scenes / "Test.json").write_text(json.dumps(_scene(clip())))


@contextmanager
def streaming(*, server: str, key: str) -> Iterator[Path]:
    """OBS streams while the block lasts. Gives its log."""
    with tempfile.TemporaryDirectory(prefix="liveroom-obs-") as folder:
        home = Path(folder)
        _write_profile(home, server=server, key=key)
        reading, writing = os.pipe()
        screen = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
            pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(writing)
        log = home / "obs.log"
        obs = None
        try:
            with os.fdopen(reading) as told:
                display = told.readline().strip()
            env = {
                **os.environ,
                "HOME": str(home),
                "XDG_RUNTIME_DIR": str(home / "run"),
                "XDG_CONFIG_HOME": str(home / ".config"),
                "DISPLAY": f":{display}",
                "LIBGL_ALWAYS_SOFTWARE": "1",
                "QT_QPA_PLATFORM": "xcb",
            }
            with log.open("wb") as output:
                obs = subprocess.Popen(
                    [
                        "dbus-run-session", "--", "obs", "--multi", "--startstreaming", "--disable-updater",
                        "--disable-missing-files-check", "--profile", "Test", "--collection", "Test", "--verbose",
                    ],
                    env=env, stdout=output, stderr=output, start_new_session=True,
                )  # fmt: skip
            yield log
        finally:
            if obs is not None:
                with suppress(ProcessLookupError):
                    os.killpg(obs.pid, signal.SIGKILL)
                obs.wait()
            screen.kill()
            screen.wait()
