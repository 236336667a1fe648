"""The one form of a mute and of a ban, wherever the console offers them: on a room's page, and for a whole app."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from liveroom.kernel.web.forms import Refusable, ServiceForm, reason_field
from liveroom.rooms.admin.forms import UserForm
from liveroom.rooms.services.people import PersonUnknown
from moderation.rules.verdict import FOR_EVER_SECONDS
from moderation.services.targets import OutOfReach
from moderation.shapes import BanWriteSerializer

MOST_MINUTES: Final = FOR_EVER_SECONDS // 60


class MeasureForm(Refusable, forms.Form):
    """For how long and why. It leaves `seconds`, as the services take them, in place of the minutes that people count in."""

    shape = BanWriteSerializer
    field_of = {"seconds": "minutes"}

    minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_MINUTES,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="From now. Empty: until lifted.",
    )
    reason = reason_field(read_by="For moderators and the audit log.")

    def clean_minutes(self) -> int | None:
        minutes: int | None = self.cleaned_data["minutes"]
        return None if minutes is None else minutes * 60

    def clean(self) -> Any:
        super().clean()
        if "minutes" in self.cleaned_data:
            self.cleaned_data["seconds"] = self.cleaned_data.pop("minutes")
        return self.cleaned_data


class LiftForm(UserForm):
    """Whom to free."""

    beside = {PersonUnknown: "user", OutOfReach: "user"}


class UserMeasureForm(MeasureForm, LiftForm):
    """Of a user who is named: on the page of a room."""

    beside = LiftForm.beside
    field_order = ("user", "minutes", "reason")


class AppBanForm(MeasureForm, ServiceForm):
    """Of a user who is picked from the list: out of its whole app."""
