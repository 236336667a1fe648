"""What the room's page asks for, as a person writes it: checked by the shapes of REST, done by the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from liveroom.kernel.errors import BadParameter
from liveroom.kernel.values import pictures
from liveroom.kernel.web.forms import ActForm, ServiceForm, counted
from liveroom.rooms.models import AllowedPerson, Room
from liveroom.rooms.rules.ids import MAX_BYTES
from liveroom.rooms.selectors import cover_of
from liveroom.rooms.services.covers import COVER
from liveroom.rooms.services.people import PersonUnknown
from liveroom.rooms.shapes import (
    CATEGORY_BYTES,
    INTRODUCTION_BYTES,
    MAX_TAGS,
    NOTICE_BYTES,
    TITLE_BYTES,
    RoomWriteSerializer,
)


class UserForm(ActForm):
    beside = {PersonUnknown: "user"}

    user = forms.CharField(
        label="User id", widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "User id", "autocomplete": "off"})
    )


class RoomForm(ServiceForm):
    """What `change_room`, `change_access` and `set_allow_list` take, as a person writes it."""

    shape = RoomWriteSerializer
    field_of = {"users": "allow_list", "id": "group_id"}
    beside = {PersonUnknown: "allow_list"}

    group_id = forms.CharField(
        required=False,
        label="Room id",
        widget=UnfoldAdminTextInputWidget(attrs=counted(MAX_BYTES)),
        help_text="Printable ASCII without spaces or '/', at most 48 bytes. Empty: one is made.",
    )
    title = forms.CharField(widget=UnfoldAdminTextInputWidget(attrs=counted(TITLE_BYTES)))
    introduction = forms.CharField(
        required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, **counted(INTRODUCTION_BYTES)})
    )
    notice = forms.CharField(
        required=False,
        help_text="Shown to every viewer; they see a change at once.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, **counted(NOTICE_BYTES)}),
    )
    category = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget(attrs=counted(CATEGORY_BYTES)))
    tags = forms.CharField(
        required=False, help_text=f"Between commas; at most {MAX_TAGS}.", widget=UnfoldAdminTextInputWidget
    )
    cover = forms.CharField(
        required=False,
        help_text="Address of a picture. Empty: the latest of the stream.",
        widget=UnfoldAdminTextInputWidget,
    )
    cover_file = forms.FileField(
        required=False, label="Upload a cover", widget=UnfoldAdminFileFieldWidget,
        help_text=f"PNG, JPEG or WebP, at most {COVER.most_bytes >> 20} MB. It is drawn anew: nothing but its pixels is kept.",
    )  # fmt: skip
    starts_at = forms.SplitDateTimeField(
        required=False,
        label="Planned start (UTC)",
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text="Viewers who come early see a countdown.",
    )
    visibility = forms.ChoiceField(
        choices=[
            (Room.LISTED, "listed: in the list of rooms"),
            (Room.UNLISTED, "unlisted: only for who knows the address"),
        ],
        widget=UnfoldAdminSelectWidget,
        initial=Room.LISTED,
    )
    password = forms.CharField(
        required=False,
        strip=False,
        label="New password",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    no_password = forms.BooleanField(required=False, label="Remove the password", widget=UnfoldBooleanSwitchWidget)
    allow_list_only = forms.BooleanField(required=False, label="Invited users only", widget=UnfoldBooleanSwitchWidget)
    allow_list = forms.CharField(
        required=False,
        label="Invited users",
        help_text="User ids, one a line.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    viewer_limit = forms.IntegerField(
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Viewers of the picture at once. Empty: no limit.",
    )
    bandwidth_limit_kbps = forms.IntegerField(
        required=False, label="Bandwidth limit (kb/s)", widget=UnfoldAdminIntegerFieldWidget,
        help_text="To all viewers together. Empty: no limit.",
    )  # fmt: skip
    messages_per_second = forms.IntegerField(
        required=False, widget=UnfoldAdminIntegerFieldWidget,
        help_text="What the room delivers at most; above it, higher priority first. Empty: as the app says.",
    )  # fmt: skip
    message_bytes = forms.IntegerField(
        required=False, label="Longest message (bytes)", widget=UnfoldAdminIntegerFieldWidget,
        help_text="Empty: as the app says.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        room = self.instance
        if not room.pk:
            return
        self.initial["tags"] = ", ".join(room.tags)
        self.initial["cover"] = cover_of(room) if room.cover else ""
        self.initial["password"] = ""
        self.initial["allow_list"] = "\n".join(
            AllowedPerson.objects.filter(room=room)
            .order_by("person__identifier")
            .values_list("person__identifier", flat=True)
        )
        if "password" in self.fields:
            self.fields["password"].help_text = (
                "The room asks for a password. Empty: it stays." if room.password else "Empty: the room asks for none."
            )
        if not room.password:
            self.fields.pop("no_password", None)

    def clean_cover_file(self) -> bytes | None:
        """The content; its size is looked at before anything is read."""
        found = self.cleaned_data.get("cover_file")
        if not isinstance(found, UploadedFile):
            return None
        try:
            pictures.check_size(found.size or 0, COVER)
        except BadParameter as refusal:
            raise forms.ValidationError(refusal.message) from None
        return found.read()

    def clean_tags(self) -> list[str]:
        return [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]

    def clean_introduction(self) -> str:
        return _line_breaks(self.cleaned_data["introduction"])

    def clean_notice(self) -> str:
        return _line_breaks(self.cleaned_data["notice"])

    def clean(self) -> Any:
        said = super().clean()
        app, owner = self.cleaned_data.get("app"), self.cleaned_data.get("owner")
        if app is not None and owner is not None and owner.app_id != app.pk:
            self.add_error("owner", f"{owner} is a user of another app.")
        return said

    def clean_allow_list(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["allow_list"].splitlines() if line.strip()]


class NoticeForm(ActForm):
    shape = RoomWriteSerializer

    notice = forms.CharField(
        required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, **counted(NOTICE_BYTES)}),
        help_text=f"At most {NOTICE_BYTES} bytes. Empty: none.",
    )  # fmt: skip

    def clean_notice(self) -> str:
        return _line_breaks(self.cleaned_data["notice"])


def _line_breaks(value: str) -> str:
    """Browsers send two characters for a line break; every limit counts one."""
    return value.replace("\r\n", "\n")
