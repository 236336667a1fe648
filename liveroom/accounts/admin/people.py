"""People of the apps, and who may log in at the console."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.forms import AdminPasswordChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from liveroom.accounts.models import Login, Person
from liveroom.accounts.rules.usersig import MAX_IDENTIFIER_BYTES
from liveroom.accounts.services import blocking, profiles, tokens
from liveroom.accounts.services.profiles import ProfileSaid
from liveroom.accounts.shapes import NICK_BYTES, BlockShape, UserImportSerializer
from liveroom.kernel import clock
from liveroom.kernel.data import audit
from liveroom.kernel.web.forms import ActForm, RowForm, ServiceForm, counted, reason_field
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, ConsoleAdmin

# Rights come from who is logged in; groups would be buttons without a wire.
admin.site.unregister(Group)


BLOCKED = "Every token of this user is refused, over the API and on the socket, until somebody unblocks it."


class BlockForm(ActForm):
    shape = BlockShape

    reason = reason_field(read_by="For the audit log.")


class PersonForm(ServiceForm):
    shape = UserImportSerializer
    field_of = {"id": "identifier"}

    identifier = forms.CharField(
        label="User id",
        help_text="1 to 32 bytes; stays as it is.",
        widget=UnfoldAdminTextInputWidget(attrs=counted(MAX_IDENTIFIER_BYTES)),
    )
    nick = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget(attrs=counted(NICK_BYTES)))
    avatar = forms.CharField(
        required=False, help_text="An http or https address.", widget=UnfoldAdminTextInputWidget
    )  # fmt: skip


@admin.register(Person)
class PersonAdmin(ConsoleAdmin):
    can_add = can_change = True
    form = PersonForm
    list_display = ("identifier", "nick", "app", "level", "state", "created_at")
    list_filter = ("blocked", "app")
    search_fields = ("identifier", "nick")
    ordering = ("-id",)
    acts = (
        Act(
            "revoke-tokens", "Revoke tokens", icon="logout",
            question="Revoke every UserSig of this user made until now? It must get a new one to log in again.",
        ),
        Act("block", "Block", icon="block", danger=True, question=f"Block this user? {BLOCKED}", form=BlockForm),
        Act("unblock", "Unblock", icon="lock_open", question="Let this user in again?"),
    )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Person | None = None) -> Any:
        if obj is None:
            return ("app", "identifier", "nick", "avatar")
        return (
            "app", "identifier", "nick", "avatar", "level", "role", "fields", "state", "tokens_valid_from", "created_at",
            "standing_link", "login_link",
        )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Person | None = None) -> Any:
        return [name for name in self.get_fields(request, obj) if name not in ("nick", "avatar")] if obj else ()

    @admin.display(description="state", ordering="blocked")
    def state(self, person: Person) -> str:
        """A green tick beside "blocked" could mean anything."""
        if not person.blocked:
            return "may log in"
        return format_html(
            '<span class="lr-status" data-status="blocked" title="{}">{}</span>', BLOCKED, "blocked: refused everywhere"
        )

    @admin.display(description="points and badges")
    def standing_link(self, person: Person) -> str:
        url = reverse("admin:interactions_score_changelist")
        query = urlencode({"q": person.identifier, "person__app__id__exact": person.app_id})
        return format_html('<a class="lr-link" href="{}?{}">Standing</a>', url, query)

    @admin.display(description="console login")
    def login_link(self, person: Person) -> str:
        login = Login.objects.filter(person=person).first()
        if login is None:
            return "none"
        return format_html(
            '<a class="lr-link" href="{}">{}</a>', reverse("admin:accounts_login_change", args=(login.pk,)), login
        )

    def acts_for(self, request: HttpRequest, obj: Person) -> Any:
        return [act for act in self.acts if act.name != ("block" if obj.blocked else "unblock")]

    def save_model(self, request: HttpRequest, obj: Person, form: Any, change: bool) -> None:
        said = form.cleaned_data
        person = obj
        if not change:
            person = tokens.ensure_person(app=said["app"], identifier=said["identifier"])
        changes = {name: said[name] for name in ("nick", "avatar") if name in form.changed_data}
        if changes:
            profiles.change_profile(person=person, changes=cast(ProfileSaid, changes))
        obj.__dict__.update(person.__dict__)
        audit.record(
            action="person.change" if change else "person.create", actor=self.actor(request), now=clock.now(),
            target=person.identifier, address=client_address(request), detail={"fields": sorted(changes)},
        )  # fmt: skip

    def act_revoke_tokens(self, request: HttpRequest, person: Person) -> str:
        tokens.revoke_tokens(person=person, by=self.actor(request), now=clock.now(), address=client_address(request))
        return f"Every token of {person.identifier} made until now is refused."

    def _block(self, request: HttpRequest, person: Person, blocked: bool, reason: str = "") -> None:
        blocking.set_blocked(
            person=person, blocked=blocked, reason=reason, by=self.actor(request), now=clock.now(),
            address=client_address(request),
        )  # fmt: skip

    def act_block(self, request: HttpRequest, person: Person, reason: str) -> str:
        self._block(request, person, True, reason)
        return f"{person.identifier} is blocked."

    def act_unblock(self, request: HttpRequest, person: Person) -> str:
        self._block(request, person, False)
        return f"{person.identifier} may log in again."


@admin.register(Login)
class LoginAdmin(ConsoleAdmin, UserAdmin):
    """Who may log in here. A streamer's login needs a user; staff need none."""

    can_add = can_change = True
    form = RowForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "kind", "person", "is_active", "last_login")
    list_filter = ("is_superuser", "is_active")
    search_fields = ("username", "person__identifier")
    ordering = ("username",)
    readonly_fields = ("last_login", "date_joined", "set_password")
    autocomplete_fields = ("person",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "set_password", "person")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2")}),
        ("Rights", {"fields": ("person", "is_staff", "is_superuser")}),
    )

    @admin.display(description="kind")
    def kind(self, login: Login) -> str:
        if login.is_superuser:
            return "staff"
        return "streamer or moderator" if login.is_staff and login.person_id else "nothing to see"

    @admin.display(description="password")
    def set_password(self, login: Login) -> str:
        url = reverse("admin:auth_user_password_change", args=(login.pk,))
        return format_html('<a class="lr-link" href="{}">Set a new password</a>', url)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name == "is_staff":
            field.label, field.help_text = "May log in here", ""
        if field is not None and db_field.name == "is_superuser":
            field.label, field.help_text = "Staff", "Sees and does everything. Leave it off for streamers."
        return field

    def save_model(self, request: HttpRequest, obj: Login, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit.record(
            action="login.change" if change else "login.create", actor=self.actor(request), now=clock.now(),
            target=obj.username, address=client_address(request),
            detail={"fields": [name for name in form.changed_data if "password" not in name]},
        )  # fmt: skip
