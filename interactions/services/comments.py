"""One comment, from what a client sent to where every viewer sees it. Read from top to bottom; the database is not touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interactions.live import envelope, pipeline
from interactions.live.room_ref import RoomRef
from liveroom.accounts.selectors import Profile
from liveroom.kernel import ids, metrics, permission, text
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.permission import Actor

TEXT_BYTES = 8 * 1024
TOO_LONG = 80002
CID_BYTES = 64
POSITIONS = ("scroll", "top", "bottom")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who sends, as everybody will see it (C13)."""

    actor: Actor
    profile: Profile
    role: str

    def shown(self) -> dict[str, Any]:
        return {**self.profile.as_dict(), "role": self.role}


@dataclass(frozen=True, slots=True)
class Comment:
    """A checked comment. `cid` is the client's own id: it finds its echo by it, and may send again without saying it twice."""

    text: str
    cid: str | None
    color: str | None
    position: str


@dataclass(frozen=True, slots=True)
class Receipt:
    result: str
    seq: int


def checked(data: Mapping[str, Any]) -> Comment:
    """A comment out of a client's fields, or BadParameter (80002 for a text that is too long)."""
    said = text.checked(data.get("text"), field="text", limit_bytes=TEXT_BYTES, required=True, code=TOO_LONG)
    cid = data.get("cid")
    if cid is not None:
        cid = text.checked(cid, field="cid", limit_bytes=CID_BYTES, required=True)
    color = data.get("color")
    if color is not None and not (isinstance(color, str) and _COLOR.match(color)):
        raise BadParameter("color is #rrggbb.", field="color")
    position = data.get("position", "scroll")
    if position not in POSITIONS:
        raise BadParameter(f"position is one of {', '.join(POSITIONS)}.", field="position")
    return Comment(text=said, cid=cid, color=color, position=position)


def _event(comment: Comment, speaker: Speaker, event_id: str, now_ms: int) -> bytes:
    optional = {"cid": comment.cid, "color": comment.color}
    return envelope.event(
        type="comment",
        t=now_ms,
        id=event_id,
        text=comment.text,
        position=comment.position,
        priority="Normal",
        **{"from": speaker.shown()},
        **{name: value for name, value in optional.items() if value is not None},
    )


def _prepared(room: RoomRef, speaker: Speaker, data: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """What the pipeline takes: allowed, checked, encoded."""
    permission.ask("comment.send", actor=speaker.actor, room=room, role=speaker.role)
    comment = checked(data)
    event_id = ids.event_id()
    return {
        "room": room,
        "event": _event(comment, speaker, event_id, now_ms),
        # The same `cid` of the same person is the same comment.
        "event_id": event_id if comment.cid is None else f"{speaker.profile.id}:{comment.cid}",
        "in_history": True,
    }


def _receipt(appended: pipeline.Appended) -> Receipt:
    metrics.comments.labels(result="delivered" if appended.told else "repeated").inc()
    return Receipt(result="delivered", seq=appended.seq)


async def send_comment(*, room: RoomRef, speaker: Speaker, data: Mapping[str, Any], now_ms: int) -> Receipt:
    """Say it to the room. Raises what `permission.ask` refuses and what `checked` does not accept."""
    return _receipt(await pipeline.append(**_prepared(room, speaker, data, now_ms)))


def send_comment_now(*, room: RoomRef, speaker: Speaker, data: Mapping[str, Any], now_ms: int) -> Receipt:
    """The same from a thread, for REST."""
    return _receipt(pipeline.append_now(**_prepared(room, speaker, data, now_ms)))
