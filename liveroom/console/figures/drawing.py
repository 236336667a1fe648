"""Draws on the room's page, for staff and for the streamer whose room it is: what runs, opening one, cancelling one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from interactions.draws.models import MOST_WINNERS
from interactions.draws.rules import (
    HIGHEST_LEVEL,
    KEYWORD_BYTES,
    LONGEST_SECONDS,
    PRIZE_BYTES,
    SHORTEST_SECONDS,
    Conditions,
)
from interactions.draws.selectors import DrawUnknown, draw_of
from interactions.draws.services.opening import cancel_draw, open_draw
from interactions.draws.shapes import DrawWriteSerializer
from interactions.models import Draw
from liveroom.kernel import clock
from liveroom.kernel.web.forms import ActForm
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, ConsoleAdmin
from liveroom.rooms.models import Room

SHOWN = 8


def _text(limit_bytes: int) -> Any:
    return UnfoldAdminTextInputWidget(attrs={"data-limit-bytes": limit_bytes, "autocomplete": "off"})


class DrawForm(ActForm):
    """A draw that opens now."""

    shape = DrawWriteSerializer

    keyword = forms.CharField(
        widget=_text(KEYWORD_BYTES), help_text="Viewers enter by saying it, alone or as a word of its own."
    )
    prize = forms.CharField(widget=_text(PRIZE_BYTES))
    winners = forms.IntegerField(min_value=1, max_value=MOST_WINNERS, initial=1, widget=UnfoldAdminIntegerFieldWidget)
    seconds = forms.IntegerField(
        label="Open for (seconds)", min_value=SHORTEST_SECONDS, max_value=LONGEST_SECONDS, initial=60,
        widget=UnfoldAdminIntegerFieldWidget,
    )  # fmt: skip
    min_level = forms.IntegerField(
        label="Level at least",
        required=False,
        min_value=0,
        max_value=HIGHEST_LEVEL,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Empty: any.",
    )
    follower = forms.BooleanField(label="Followers only", required=False, widget=UnfoldBooleanSwitchWidget)
    gift = forms.BooleanField(
        label="Only who gave a gift in this show", required=False, widget=UnfoldBooleanSwitchWidget
    )
    member = forms.BooleanField(label="Members only", required=False, widget=UnfoldBooleanSwitchWidget)


class WhichDrawForm(ActForm):
    draw = forms.CharField(label="Id of the draw", widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}))


OPEN_DRAW = Act(
    "open-draw", "Open a draw", icon="redeem", form=DrawForm, apart=True,
    question="The room is told at once. You, your admins and bots take no part; nor do the muted and the banned.",
)  # fmt: skip
CANCEL_DRAW = Act("cancel-draw", "Cancel", icon="cancel", form=WhichDrawForm, danger=True, apart=True)
DRAWING = (OPEN_DRAW, CANCEL_DRAW)


class DrawActs(ConsoleAdmin):
    """The services say what is legal."""

    def draws_panel(self, room: Room) -> dict[str, Any]:
        return {
            "draws": list(Draw.objects.filter(room=room).order_by("-id")[:SHOWN]),
            **{act.name.replace("-", "_") + "_act": self.shown_act(room, act) for act in DRAWING},
        }

    def act_open_draw(self, request: HttpRequest, room: Room, **said: Any) -> str:
        conditions = Conditions(
            min_level=said.pop("min_level") or 0,
            follower=said.pop("follower"),
            gift=said.pop("gift"),
            member=said.pop("member"),
        )
        draw = open_draw(
            room=room,
            conditions=conditions,
            by=self.actor(request),
            now=clock.now(),
            address=client_address(request),
            **said,
        )
        return f"The draw {draw.number} is open: the room sees it now."

    def act_cancel_draw(self, request: HttpRequest, room: Room, *, draw: str) -> str:
        found = draw_of(app_id=room.app_id, number=draw.strip())
        if found.room_id != room.pk:
            raise DrawUnknown(f"There is no draw {draw[:24]!r} in this room.", field="draw")
        cancel_draw(draw=found, by=self.actor(request), now=clock.now(), address=client_address(request))
        return "The draw is cancelled; the room is told."
