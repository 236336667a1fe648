"""The catalog of gifts, as staff fill it: pictures, prices, what is on."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminBigIntegerFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from interactions.gifts.services.catalog import FIELDS, NAME_CHARACTERS, UNIT_CHARACTERS, add_gift, change_gift
from interactions.gifts.services.icons import MOST_BYTES, check_size
from interactions.models import Gift
from liveroom.kernel import clock
from liveroom.kernel.errors import BadParameter
from liveroom.kernel.web.forms import ServiceForm
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import ConsoleAdmin

KINDS: Any = Gift._meta.get_field("kind").choices


class GiftForm(ServiceForm):
    code = forms.CharField(
        label="Id",
        help_text="How apps call it: a-z, 0-9, - and _. It stays as it is.",
        widget=UnfoldAdminTextInputWidget,
    )
    name = forms.CharField(help_text=f"At most {NAME_CHARACTERS} characters.", widget=UnfoldAdminTextInputWidget)
    kind = forms.TypedChoiceField(
        label="Shown as", coerce=int, choices=KINDS, initial=Gift.ORDINARY,
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    price = forms.IntegerField(help_text="Of one, in the app's currency.", widget=UnfoldAdminBigIntegerFieldWidget)
    unit = forms.CharField(
        required=False, help_text=f"The word after the number, if any; at most {UNIT_CHARACTERS} characters.",
        widget=UnfoldAdminTextInputWidget,
    )  # fmt: skip
    icon = forms.FileField(
        required=False, label="Picture", widget=UnfoldAdminFileFieldWidget,
        help_text=f"PNG, JPEG, WebP or GIF, 16 to 1,024 pixels wide and high, at most {MOST_BYTES // 1024} KB. It is drawn anew: nothing "
        "but its pixels is kept, of an animation the first picture.",
    )  # fmt: skip
    effect = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget,
        help_text="Of a full effect: address of a Lottie (.json) or SVGA (.svga) file. A relative one begins at the app's gift base, "
        "or at /static/ where the app has none.",
    )  # fmt: skip
    combo = forms.BooleanField(
        required=False, initial=True, label="Combo", help_text="Quick clicks are shown as one running number.",
        widget=UnfoldBooleanSwitchWidget,
    )  # fmt: skip
    enabled = forms.BooleanField(required=False, initial=True, label="On", widget=UnfoldBooleanSwitchWidget)
    place = forms.IntegerField(
        initial=0, label="Order in the list", help_text="Small first.", widget=UnfoldAdminIntegerFieldWidget
    )

    def clean_icon(self) -> bytes | bool | None:
        """The content; False: take the picture away; None: it stays. The size is looked at before anything is read."""
        found = self.cleaned_data.get("icon")
        if found is False:
            return False
        if not isinstance(found, UploadedFile):
            return None
        try:
            check_size(found.size or 0)
        except BadParameter as refusal:
            raise forms.ValidationError(refusal.message) from None
        return found.read()


@admin.register(Gift)
class GiftAdmin(ConsoleAdmin):
    can_add = can_change = True
    form = GiftForm
    list_display = ("picture", "name", "code", "kind", "price", "combo", "enabled", "place", "app")
    list_display_links = ("picture", "name")
    list_filter = ("app", "kind", "enabled")
    search_fields = ("name", "code")
    ordering = ("app", "place", "price", "id")
    list_select_related = ("app",)

    def get_fields(self, request: HttpRequest, obj: Gift | None = None) -> Any:
        said = ("name", "kind", "price", "unit", "icon", "effect", "combo", "enabled", "place")
        return ("app", "code", "picture", *said) if obj else ("app", "code", *said)

    def get_readonly_fields(self, request: HttpRequest, obj: Gift | None = None) -> Any:
        return ("app", "code", "picture") if obj else ()

    @admin.display(description="")
    def picture(self, gift: Gift) -> SafeString | str:
        if not gift.icon:
            return "–"
        return format_html(
            '<img src="{}" alt="" class="lr-thumb" width="40" height="40" loading="lazy">', gift.icon.url
        )

    def save_model(self, request: HttpRequest, obj: Gift, form: Any, change: bool) -> None:
        said = {name: value for name, value in form.cleaned_data.items() if name in FIELDS}
        icon = said.pop("icon", None)
        if icon is not None:
            said["icon"] = icon or None
        asked: dict[str, Any] = {"by": self.actor(request), "now": clock.now(), "address": client_address(request)}
        if change:
            was = Gift.objects.get(pk=obj.pk)
            said = {name: value for name, value in said.items() if name == "icon" or value != getattr(was, name)}
            gift = change_gift(gift=was, changes=said, **asked) if said else was
        else:
            gift = add_gift(app=form.cleaned_data["app"], code=form.cleaned_data["code"], **said, **asked)
        obj.__dict__.update(gift.__dict__)
