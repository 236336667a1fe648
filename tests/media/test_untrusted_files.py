"""Real files of every kind that is read are known by their first bytes, and read with the options that their kind gets."""

from __future__ import annotations

import json
import subprocess

import pytest

from streams.egress import uploads

pytestmark = [pytest.mark.media, pytest.mark.once]

MADE = {
    "mp4": ("mp4", ["-c:v", "libx264", "-c:a", "aac"]),
    "flv": ("flv", ["-c:v", "libx264", "-c:a", "aac"]),
    "mkv": ("matroska", ["-c:v", "libx264", "-c:a", "aac"]),
    "ts": ("mpegts", ["-c:v", "libx264", "-c:a", "aac"]),
    "avi": ("avi", ["-c:v", "libx264", "-c:a", "libmp3lame"]),
    "mpg": ("mpeg", ["-c:v", "mpeg2video", "-c:a", "mp2"]),
    "mp3": ("mp3", ["-vn"]),
    "aac": ("aac", ["-vn"]),
    "wav": ("wav", ["-vn"]),
    "flac": ("flac", ["-vn"]),
    "ogg": ("ogg", ["-vn", "-c:a", "libvorbis"]),
    "png": ("png", ["-an", "-frames:v", "1"]),
    "jpg": ("jpeg", ["-an", "-frames:v", "1"]),
    "gif": ("gif", ["-an", "-frames:v", "2"]),
    "webp": ("webp", ["-an", "-frames:v", "1"]),
    "bmp": ("bmp", ["-an", "-frames:v", "1"]),
}


@pytest.mark.parametrize("suffix", MADE)
def test_real_files_are_known_and_read(suffix, tmp_path):
    name, options = MADE[suffix]
    plain, file = tmp_path / f"made.{suffix}", tmp_path / f"made %03d.{suffix}"
    source = ["-f", "lavfi", "-i", "testsrc=size=64x64:rate=10:duration=1", "-f", "lavfi", "-i", "sine=duration=1"]
    one = ["-update", "1"] if suffix in {"png", "jpg", "bmp"} else []
    made = ["ffmpeg", "-v", "error", "-nostdin", *source, *options, *one, "-y", f"file:{plain}"]
    subprocess.run(made, check=True)
    plain.rename(file)
    head = file.read_bytes()[: uploads.HEAD_BYTES]
    kind = uploads.container_of(head)
    assert kind is not None
    assert kind.name == name
    probe = [
        "ffprobe",
        "-v",
        "error",
        *uploads.before_input(head),
        "-show_streams",
        "-of",
        "json",
        "-i",
        uploads.as_input(file),
    ]
    told = subprocess.run(probe, check=True, capture_output=True)
    assert json.loads(told.stdout)["streams"]
