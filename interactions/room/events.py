"""What viewers hear of their room itself: its status and data, its picture, what its moderators did."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from interactions.delivery.events import Control, RoomEvent, UserEvent
from interactions.shown import Named


class RoomStatus(RoomEvent, frozen=True, kw_only=True, tag="status"):
    """The show: `to_be_started`, `live`, `paused`, `ended`, `played_back`. Instants in unix ms; `session`: the show's sequence."""

    version: int
    status: str
    status_at: int
    starts_at: int | None
    session: str | None


class RoomNotice(RoomEvent, frozen=True, kw_only=True, tag="notice"):
    """The whole notice."""

    version: int
    notice: str


class RoomData(RoomEvent, frozen=True, kw_only=True, tag="room"):
    """What is new of the room's own data; what is not new is left out."""

    version: int
    title: str | UnsetType = UNSET
    introduction: str | UnsetType = UNSET
    category: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    cover: str | UnsetType = UNSET
    starts_at: int | UnsetType | None = UNSET
    viewer_limit: int | UnsetType | None = UNSET
    bandwidth_limit_kbps: int | UnsetType | None = UNSET
    messages_per_second: int | UnsetType | None = UNSET
    message_bytes: int | UnsetType | None = UNSET
    fields: dict[str, str] | UnsetType = UNSET
    counters: dict[str, int] | UnsetType = UNSET


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    value: str
    version: int


class RoomAttributes(RoomEvent, frozen=True, kw_only=True, tag="attributes"):
    """The app's own attributes of the room: `operation` is `set`, `modify`, `delete` or `clear`."""

    operation: str
    version: int
    changed: dict[str, Attribute]
    deleted: list[str]


class RoomRole(RoomEvent, frozen=True, kw_only=True, tag="role"):
    """A moderator was appointed (`admin`) or dismissed (`member`)."""

    version: int
    user: Named
    role: str
    by: str


class Unplayable(msgspec.Struct, frozen=True, kw_only=True):
    """The picture arrives in a codec that no browser plays. `message`: for viewers."""

    codec: str
    message: str


class RoomStream(RoomEvent, frozen=True, kw_only=True, tag="stream"):
    """A picture came (`on_air` true), or the room shows another stream (null): ask for addresses again. `ladder`: rungs that can be had
    now, from the highest to the lowest, or none any more; null: nothing about it has changed. `timeshift`: how many seconds viewers may go
    back now, 0: not any more (ask for addresses again); null: nothing about it has changed."""

    stream: str
    on_air: bool | None
    unplayable: Unplayable | None
    ladder: list[str] | None
    timeshift: int | None


class Mute(RoomEvent, frozen=True, kw_only=True, tag="mute"):
    """Somebody may not speak. `until`: unix ms, None: until lifted."""

    version: int
    user: Named
    until: int | None
    by: str


class Unmute(RoomEvent, frozen=True, kw_only=True, tag="unmute"):
    """And may again."""

    version: int
    user: Named
    by: str


class MuteAll(RoomEvent, frozen=True, kw_only=True, tag="mute_all"):
    """Nobody but the owner and the admins may speak, or everybody may again."""

    version: int
    on: bool
    by: str


class Ban(RoomEvent, frozen=True, kw_only=True, tag="ban"):
    """Somebody was put out of the room. `until`: unix ms, None: until lifted."""

    version: int
    user: Named
    until: int | None
    by: str


class SystemMessage(RoomEvent, frozen=True, kw_only=True, tag="system"):
    """A message of the system, with the `reason` `disbanded`; or of the app's server, with the reason `notice` and an `id`, where `data`
    is the app's own field."""

    text: str
    reason: str
    id: str | UnsetType = UNSET
    data: Any = UNSET


class YourRecording(UserEvent, frozen=True, kw_only=True, tag="recording"):
    """For the owner and the admins: a recording of the room is `running`, `done` or `failed`; or it was `stopped` before its time, such
    as for a full disk, and `reason` says why. Of a stopped one everything that was written is kept, and it is `done` a moment later."""

    room: str
    recording: str
    stream: str
    format: str
    state: str
    reason: str | UnsetType = UNSET
    duration_seconds: float | UnsetType = UNSET
    size_bytes: int | UnsetType = UNSET


class YourClip(UserEvent, frozen=True, kw_only=True, tag="clip"):
    """For the owner and the admins: a clip can be played. `by`: who made it."""

    room: str
    clip: str
    recording: str
    duration_seconds: float
    by: str


class YourMute(UserEvent, frozen=True, kw_only=True, tag="mute"):
    """You may not speak in that room. `until`: unix ms, None: until lifted."""

    room: str
    until: int | None
    by: str


class YourUnmute(UserEvent, frozen=True, kw_only=True, tag="unmute"):
    """You may again."""

    room: str
    by: str


class RelayMoved(UserEvent, frozen=True, kw_only=True, tag="relay"):
    """A relay of a room that you look after runs, waits, is over or was deleted. `address`: whence or whither, without its key."""

    room: str
    id: str
    kind: str
    label: str
    address: str
    stream: str
    state: str
    reason: str


class YourMedia(UserEvent, frozen=True, kw_only=True, tag="media"):
    """Something about a stream of yours that you should know. `about`: for programs, such as `ladder_shed`; `text`: for people."""

    room: str
    stream: str
    about: str
    text: str


# -- to the processes that hold sockets


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """How a socket is closed: the close code, and what `bye` says."""

    code: int
    reason: str
    message: str


class StandingInRoom(Control, frozen=True, kw_only=True, tag="standing"):
    """What is against somebody in `room` (a key), or against everybody there, as of that version of the room's state; of what is left
    out nothing is new. Instants in unix ms, None: not at all. `closing`: sockets of that person in the room are closed."""

    room: str
    version: int
    muted_until_ms: int | UnsetType | None = UNSET
    banned_until_ms: int | UnsetType | None = UNSET
    muted_all: bool | UnsetType = UNSET
    closing: Closing | None = None

    def changed(self) -> dict[str, Any]:
        """The fields of `moderation.rules.verdict.Standing` that are new."""
        said = {
            "muted_until_ms": self.muted_until_ms,
            "banned_until_ms": self.banned_until_ms,
            "muted_all": self.muted_all,
        }
        return {name: value for name, value in said.items() if value is not UNSET}


class RoleInRoom(Control, frozen=True, kw_only=True, tag="role"):
    """What the person is in `room` (a key) from now on, as of that version of the room's state."""

    room: str
    version: int
    role: str


class TracesBarred(Control, frozen=True, kw_only=True, tag="barred"):
    """Guests with one of these traces (devices, addresses) are of somebody who was banned here."""

    traces: list[str]
    closing: Closing


class AccessInDoubt(Control, frozen=True, kw_only=True, tag="access"):
    """Who comes into the room from here on is judged by what is read from here on (`doubt`); those who are in stay."""


class PictureTold(UserEvent, frozen=True, kw_only=True, tag="picture"):
    """To the owner and the admins: a stream of the room is black, frozen or silent (`trouble`), or no longer (`on` false). `began_at` in
    unix ms; `text`: what to look at."""

    room: str
    stream: str
    label: str
    trouble: str
    on: bool
    began_at: int
    text: str | UnsetType = UNSET


class ReviewTold(UserEvent, frozen=True, kw_only=True, tag="review"):
    """To the owner and the admins: a review doubted a picture of a stream (`verdict` `review`), or had the stream cut (`block`)."""

    room: str
    stream: str
    label: str
    snapshot: str
    verdict: str
    labels: list[str]
