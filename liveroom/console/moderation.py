"""Moderating on the room's page, for staff and for the streamer whose room it is: mute, ban, the switch for everybody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from liveroom.kernel import clock
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, ConsoleAdmin
from liveroom.rooms.models import Room
from moderation import selectors
from moderation.forms import LiftForm, UserMeasureForm
from moderation.services import banning, muting

SHOWN = 20

MUTE = Act(
    "mute", "Mute a user", icon="mic_off", form=UserMeasureForm, apart=True,
    question="The user may watch and cannot write in this room; it is told so.",
)  # fmt: skip
UNMUTE = Act("unmute", "Unmute", icon="mic", form=LiftForm, apart=True)
BAN = Act(
    "ban", "Ban a user", icon="block", form=UserMeasureForm, danger=True, apart=True,
    question="The user is put out of this room at once, on every device, and refused on return.",
)  # fmt: skip
UNBAN = Act("unban", "Lift the ban", icon="lock_open", form=LiftForm, apart=True)
MUTE_ALL = Act(
    "mute-all", "Mute everyone", icon="voice_over_off", apart=True,
    question="Mute everyone? Only the owner and the admins of the room can write until you lift it.",
)  # fmt: skip
UNMUTE_ALL = Act("unmute-all", "Let everyone speak", icon="record_voice_over", apart=True)
MODERATION = (MUTE, UNMUTE, BAN, UNBAN, MUTE_ALL, UNMUTE_ALL)


class ModerationActs(ConsoleAdmin):
    """What the room's page can do with people; the services say what is legal."""

    def moderation_panel(self, room: Room, *, now: datetime) -> dict[str, Any]:
        """The latest of those who are muted and banned, and the buttons."""
        mutes, bans = selectors.mutes_of(room=room, now=now), selectors.bans_of(room=room, now=now)
        return {
            "mutes": list(mutes.order_by("-id")[:SHOWN]),
            "bans": list(bans.order_by("-id")[:SHOWN]),
            "more_mutes": max(0, mutes.count() - SHOWN),
            "more_bans": max(0, bans.count() - SHOWN),
            "mute_all": selectors.mute_all_of(room),
            **{act.name.replace("-", "_") + "_act": self.shown_act(room, act) for act in MODERATION},
        }

    def _asked(self, request: HttpRequest) -> dict[str, Any]:
        return {"by": self.actor(request), "now": clock.now(), "address": client_address(request)}

    def act_mute(self, request: HttpRequest, room: Room, *, user: str, seconds: int | None, reason: str) -> str:
        asked = {"seconds": seconds, "reason": reason, **self._asked(request)}
        muting.mute_user(room=room, identifier=user, **asked)
        return f"{user} is muted {_for(seconds)}."

    def act_unmute(self, request: HttpRequest, room: Room, *, user: str) -> str:
        muting.unmute_user(room=room, identifier=user, **self._asked(request))
        return f"{user} may speak again."

    def act_ban(self, request: HttpRequest, room: Room, *, user: str, seconds: int | None, reason: str) -> str:
        asked = {"seconds": seconds, "reason": reason, **self._asked(request)}
        banning.ban_user(room=room, identifier=user, **asked)
        return f"{user} is out of the room {_for(seconds)}."

    def act_unban(self, request: HttpRequest, room: Room, *, user: str) -> str:
        banning.lift_ban(room=room, identifier=user, **self._asked(request))
        return f"{user} may come in again."

    def act_mute_all(self, request: HttpRequest, room: Room) -> str:
        muting.mute_everyone(room=room, **self._asked(request))
        return "Only the owner and the admins can write now."

    def act_unmute_all(self, request: HttpRequest, room: Room) -> str:
        muting.unmute_everyone(room=room, **self._asked(request))
        return "Everybody can write again."


def _for(seconds: int | None) -> str:
    if seconds is None:
        return "until you lift it"
    return "for one minute" if seconds == 60 else f"for {seconds // 60:,} minutes"
