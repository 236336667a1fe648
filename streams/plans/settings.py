"""What a template of each kind says: one frozen struct per kind, and how one is read from outside.

Promise: what `read` returns is within its limits and complete; everything else is a `Fault` that names the place, the limit and what was
given. Sources of the limits: contracts/css.md section 4. Asking for more than the source has is no fault: whoever applies a template
takes what there is (a ladder leaves out the rungs above its source)."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Final, Literal, get_args
from unicodedata import category
from zoneinfo import available_timezones as _all_timezones

import msgspec
from msgspec import Meta, Struct

from streams.rules.struct_faults import Fault as Fault
from streams.rules.struct_faults import fault_of

TRANSCODE, RECORD, SNAPSHOT, WATERMARK, TIMESHIFT = "transcode", "record", "snapshot", "watermark", "timeshift"

Preset = Literal["fast", "balanced", "top_speed"]
Mark = Literal["text", "image", "clock", "scrolling", "invisible"]


@cache
def available_timezones() -> frozenset[str]:
    return frozenset(_all_timezones())


Percent = Annotated[float, Meta(ge=0, le=100)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,19}\Z")]


class Rung(Struct, frozen=True, forbid_unknown_fields=True):
    """One picture size of a ladder; without a height: sound only."""

    name: Name
    height: Annotated[int, Meta(ge=90, le=2160, multiple_of=2, description="Left out: sound only.")] | None = None
    video_bitrate_kbps: Annotated[int, Meta(ge=50, le=20_000, description="Left out: as the preset has it.")] | None = (
        None
    )
    audio_bitrate_kbps: Annotated[int, Meta(ge=16, le=320)] = 128
    fps: Annotated[int, Meta(ge=1, le=60, description="At most so many; left out: the source's.")] | None = None

    def __post_init__(self) -> None:
        if self.height is None and (self.video_bitrate_kbps is not None or self.fps is not None):
            raise ValueError("a rung without height is sound only and takes neither video_bitrate_kbps nor fps")


def usual_rungs() -> tuple[Rung, ...]:
    return (
        Rung(name="1080p", height=1080),
        Rung(name="720p", height=720),
        Rung(name="480p", height=480),
        Rung(name="360p", height=360),
        Rung(name="audio", audio_bitrate_kbps=96),
    )


class TranscodeSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A ladder: every rung is made from one decoded picture."""

    preset: Preset = "balanced"
    rungs: Annotated[tuple[Rung, ...], Meta(min_length=1, max_length=8)] = msgspec.field(default_factory=usual_rungs)
    keyframe_seconds: Annotated[int, Meta(ge=1, le=6)] = 2

    def __post_init__(self) -> None:
        names = [rung.name for rung in self.rungs]
        if len(set(names)) < len(names):
            raise ValueError("two rungs have the same name; each needs its own")
        heights = [rung.height for rung in self.rungs]
        if len(set(heights)) < len(heights):
            raise ValueError("two rungs have the same height; one of them is enough")


Days = Annotated[int, Meta(ge=0, le=93_312_000, description="How long a file is kept; 0: until somebody deletes it.")]
Size = Annotated[
    int, Meta(ge=0, le=1_000_000_000_000, description="A new file at so many bytes; 0: whatever its size.")
]


class FileSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Of one format of files with a picture."""

    interval_seconds: Annotated[int, Meta(ge=60, le=43_200, description="A new file after so long.")] = 1800
    max_size_bytes: Size = 0
    storage_seconds: Days = 0

    def __post_init__(self) -> None:
        _check_size(self.max_size_bytes)


class SoundSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Of one format of files with sound only."""

    interval_seconds: Annotated[int, Meta(ge=60, le=7200, description="A new file after so long.")] = 1800
    max_size_bytes: Size = 0
    storage_seconds: Days = 0

    def __post_init__(self) -> None:
        _check_size(self.max_size_bytes)


class HlsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Of a recording as a playlist: one per publish, however long."""

    storage_seconds: Days = 0


def _check_size(size: int) -> None:
    if 0 < size < 1_000_000:
        raise ValueError("max_size_bytes is 0 or at least 1000000")


class RecordSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is recorded: the formats that are not null."""

    mp4: FileSettings | None = None
    hls: HlsSettings | None = None
    flv: FileSettings | None = None
    aac: SoundSettings | None = None
    mp3: SoundSettings | None = None
    flow_continue_seconds: Annotated[
        int, Meta(ge=0, le=1800, description="A publisher who is back within so long goes on in the same recording.")
    ] = 30

    def __post_init__(self) -> None:
        if not self.formats:
            raise ValueError(f"name at least one format out of {', '.join(FORMATS)}, such as mp4: {{}}")

    @property
    def formats(self) -> dict[str, FileSettings | SoundSettings | HlsSettings]:
        """By name, only those that are recorded."""
        found = {name: getattr(self, name) for name in FORMATS}
        return {name: of for name, of in found.items() if of is not None}


FORMATS: Final = ("mp4", "hls", "flv", "aac", "mp3")
Threshold = Annotated[float, Meta(ge=0, le=600, description="Told when it lasts so long; 0: not looked for.")]


class SnapshotSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A picture every so often, and what is looked for in it."""

    interval_seconds: Annotated[int, Meta(ge=2, le=300)] = 10
    width: Annotated[int, Meta(ge=0, le=3840, description="0: as the height makes it, or the source's.")] = 0
    height: Annotated[int, Meta(ge=0, le=2160, description="0: as the width makes it, or the source's.")] = 0
    black_seconds: Threshold = 0
    frozen_seconds: Threshold = 0
    silent_seconds: Threshold = 0
    review: bool = False


class WatermarkSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Something drawn over the picture, or hidden in it. Places and sizes are percent of the picture, so that every rung looks the same."""

    kind: Mark
    text: Annotated[str, Meta(max_length=200)] = ""
    image: Annotated[str, Meta(max_length=40, description="An uploaded picture's id.")] = ""
    x_percent: Percent = 2
    y_percent: Percent = 2
    height_percent: Annotated[float, Meta(ge=1, le=100)] = 8
    opacity: Annotated[float, Meta(ge=0, le=1)] = 1
    color: Annotated[str, Meta(pattern=r"^#[0-9a-f]{6}\Z", description="Of words, such as #ffffff.")] = "#ffffff"
    zone: Annotated[str, Meta(max_length=60, description="Of a clock: a name such as Asia/Shanghai.")] = "UTC"
    shows: Annotated[Literal["time", "date_time"], Meta(description="Of a clock.")] = "time"
    recordings: Annotated[bool, Meta(description="Of a stream: recordings of it show it, too.")] = True
    relays: Annotated[bool, Meta(description="Of a stream: what is pushed to elsewhere shows it, too.")] = False
    required: Annotated[bool, Meta(description="Nothing goes out without it, even if nothing can go out.")] = False

    def __post_init__(self) -> None:
        if (self.kind in ("text", "scrolling")) != bool(self.text.strip()):
            raise ValueError("text belongs to kind text and scrolling, and is needed there")
        if (self.kind == "image") != bool(self.image.strip()):
            raise ValueError("image belongs to kind image, and is needed there")
        if any(category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in self.text):
            raise ValueError("text is one line, without control characters")
        if self.zone not in available_timezones():
            raise ValueError("zone is the name of a time zone, such as UTC or Asia/Shanghai")


class TimeshiftSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How far back viewers may go, and how far behind they are kept."""

    duration_seconds: Annotated[int, Meta(ge=600, le=2_592_000)] = 86_400
    item_seconds: Annotated[int, Meta(ge=1, le=10, description="How long a segment is.")] = 5
    delay_seconds: Annotated[int, Meta(ge=0, le=600)] = 0


Settings = TranscodeSettings | RecordSettings | SnapshotSettings | WatermarkSettings | TimeshiftSettings
KINDS: Final[dict[str, type[Settings]]] = {
    TRANSCODE: TranscodeSettings,
    RECORD: RecordSettings,
    SNAPSHOT: SnapshotSettings,
    WATERMARK: WatermarkSettings,
    TIMESHIFT: TimeshiftSettings,
}
# Of the shape of settings, written beside them: a later shape reads an older one by it. New fields with defaults need none.
VERSION: Final = 1


def read(kind: str, raw: Any) -> Settings:
    """Settings of that kind out of JSON. Fault."""
    try:
        return msgspec.convert(raw, KINDS[kind])
    except msgspec.ValidationError as error:
        raise fault_of(error, raw, whole="settings", words=_WORDS) from None


def written(settings: Settings) -> dict[str, Any]:
    """As JSON, complete: a default that changes later changes no template that somebody made."""
    found: dict[str, Any] = msgspec.to_builtins(settings)
    return found


# The fields that take one of several words.
_WORDS: Final = {"preset": get_args(Preset), "kind": get_args(Mark), "shows": ("time", "date_time")}
