"""Staff's pages for apps, keys, domains, people and logins. Secrets are shown on demand only, and every showing is in the audit log."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.forms import AdminPasswordChangeForm, UserCreationForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from liveroom.accounts.models import ApiKey, App, Domain, Login, Person
from liveroom.accounts.models.apps import SCOPES
from liveroom.accounts.services import apps, blocking, profiles, tokens
from liveroom.kernel import audit, clock
from liveroom.kernel.http import client_address
from liveroom.kernel.pages import Act, ActForm, ConsoleAdmin, RowForm, ServiceForm, short_list

# Rights come from who is logged in; groups would be buttons without a wire.
admin.site.unregister(Group)


class ReasonForm(ActForm):
    reason = forms.CharField(
        required=False,
        help_text="For the audit log, at most 300 bytes.",
        widget=UnfoldAdminTextInputWidget(attrs={"data-limit-bytes": 300}),
    )


class UserIdsField(forms.CharField):
    """A list of user ids, one a line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


class AppForm(RowForm):
    admin_identifiers = UserIdsField(
        required=False, label="Admin user ids", help_text="One a line, at most five. They act for the app over the API."
    )


@admin.register(App)
class AppAdmin(ConsoleAdmin):
    can_add = can_change = True
    form = AppForm
    list_display = ("name", "sdkappid", "rooms_count", "demo", "open_list", "created_at")
    search_fields = ("name", "=sdkappid")
    readonly_fields = ("created_at",)
    fieldsets = (
        (None, {"fields": ("name", "sdkappid", "admin_identifiers", "created_at")}),
        ("Rooms", {"fields": ("open_list", "second_publisher", "history_count", "history_hours")}),
        ("Demo", {"fields": ("demo",)}),
    )
    acts = (
        Act("show-secret", "Show secret key", icon="visibility", question="Show the secret key? Whoever has it can log in as anybody."),
        Act(
            "renew-secret", "New secret key", icon="autorenew", danger=True,
            question="Make a new secret key? Every UserSig made with the old one stops working at once.",
        ),
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: App | None = None) -> Any:
        return ("sdkappid", *self.readonly_fields) if obj else self.readonly_fields

    @admin.display(description="rooms")
    def rooms_count(self, app: App) -> int:
        return app.rooms.filter(disbanded_at__isnull=True).count()

    def save_model(self, request: HttpRequest, obj: App, form: Any, change: bool) -> None:
        by, now, address = self.actor(request), clock.now(), client_address(request)
        if not change:
            apps.create_app(app=obj, host=settings.LIVEROOM.host, by=by, now=now, address=address)
            return
        obj.save()
        audit.record(
            action="app.change", actor=by, now=now, target=str(obj.sdkappid), address=address,
            detail={"fields": form.changed_data},
        )  # fmt: skip

    def act_show_secret(self, request: HttpRequest, app: App) -> HttpResponse:
        _shown(self, request, "app.secret_show", str(app.sdkappid))
        values = {"sdkappid": str(app.sdkappid), "Secret key": app.secret_key}
        return self.reveal(request, app, title=f"Secret key of {app.name}", values=values)

    def act_renew_secret(self, request: HttpRequest, app: App) -> HttpResponse:
        apps.renew_secret(app=app, by=self.actor(request), now=clock.now(), address=client_address(request))
        return self.reveal_next(request, app, self.acts[0])


def _shown(page: ConsoleAdmin, request: HttpRequest, action: str, target: str) -> None:
    audit.record(
        action=action, actor=page.actor(request), now=clock.now(), target=target, address=client_address(request)
    )


class ApiKeyForm(ServiceForm):
    label = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget, help_text="Which backend uses it.")
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in SCOPES],
        initial=list(SCOPES),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


@admin.register(ApiKey)
class ApiKeyAdmin(ConsoleAdmin):
    """Made and revoked, never changed: a key that changed its rights would surprise whoever holds it."""

    can_add = True
    form = ApiKeyForm
    list_display = ("label", "app", "secret_id", "scope_list", "created_at", "revoked_at")
    list_filter = ("app",)
    search_fields = ("label", "secret_id")
    acts = (
        Act("show", "Show secret", icon="visibility", question="Show the secret of this API key?"),
        Act(
            "revoke", "Revoke", icon="block", danger=True,
            question="Revoke this API key? Whoever uses it is refused from now on; this cannot be undone.",
        ),
    )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        shown = ("app", "label", "secret_id", "scope_list", "created_at", "revoked_at")
        return shown if obj else ("app", "label", "scopes")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.get_fields(request, obj) if obj else ()

    @admin.display(description="scopes")
    def scope_list(self, key: ApiKey) -> str:
        return short_list(key.scopes)

    def acts_for(self, request: HttpRequest, obj: ApiKey) -> Any:
        return self.acts if obj.revoked_at is None else self.acts[:1]

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        said = form.cleaned_data
        key = apps.issue_api_key(
            app=said["app"], label=said["label"], scopes=said["scopes"], by=self.actor(request), now=clock.now(),
            address=client_address(request),
        )  # fmt: skip
        obj.__dict__.update(key.__dict__)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: Any = None) -> HttpResponse:
        return self.reveal_next(request, obj, self.acts[0])

    def act_show(self, request: HttpRequest, key: ApiKey) -> HttpResponse:
        _shown(self, request, "api_key.show", key.secret_id)
        values = {"Bearer token": key.bearer, "Secret id": key.secret_id, "Secret key": key.secret_key}
        return self.reveal(request, key, title=f"API key {key.label}", values=values)

    def act_revoke(self, request: HttpRequest, key: ApiKey) -> str:
        apps.revoke_api_key(key=key, by=self.actor(request), now=clock.now(), address=client_address(request))
        return f"The API key {key.label} is revoked."


@admin.register(Domain)
class DomainAdmin(ConsoleAdmin):
    can_add = can_change = True
    list_display = ("name", "kind", "app", "enabled", "auth_enabled", "auth_delta_seconds")
    list_filter = ("kind", "app")
    search_fields = ("name",)
    fields = ("app", "kind", "name", "enabled", "auth_enabled", "auth_delta_seconds")
    acts = (
        Act("show", "Show keys", icon="visibility", question="Show both signing keys of this domain?"),
        Act(
            "rotate", "Rotate", icon="autorenew",
            question="Make a new master key and keep the old one as the backup? Addresses signed with the present backup key stop working.",
        ),
        Act(
            "renew-master", "New master key", icon="key", danger=True,
            question="Make a new master key? Addresses signed with the old one stop working at once.",
        ),
        Act(
            "renew-backup", "New backup key", icon="key", danger=True,
            question="Make a new backup key? Addresses signed with the old one stop working at once.",
        ),
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Domain | None = None) -> Any:
        return ("app", "kind") if obj else ()

    def save_model(self, request: HttpRequest, obj: Domain, form: Any, change: bool) -> None:
        obj.save()
        audit.record(
            action="domain.change" if change else "domain.create", actor=self.actor(request), now=clock.now(),
            target=str(obj), address=client_address(request), detail={"fields": form.changed_data},
        )  # fmt: skip

    def act_show(self, request: HttpRequest, domain: Domain) -> HttpResponse:
        _shown(self, request, "domain.key_show", str(domain))
        values = {"Master key": domain.master_key, "Backup key": domain.backup_key or "none"}
        return self.reveal(request, domain, title=f"Signing keys of {domain}", values=values)

    def _renew(self, request: HttpRequest, domain: Domain, which: Any) -> HttpResponse:
        apps.renew_domain_key(
            domain=domain, which=which, by=self.actor(request), now=clock.now(), address=client_address(request)
        )
        return self.reveal_next(request, domain, self.acts[0])

    def act_rotate(self, request: HttpRequest, domain: Domain) -> HttpResponse:
        return self._renew(request, domain, "rotate")

    def act_renew_master(self, request: HttpRequest, domain: Domain) -> HttpResponse:
        return self._renew(request, domain, "master")

    def act_renew_backup(self, request: HttpRequest, domain: Domain) -> HttpResponse:
        return self._renew(request, domain, "backup")


class PersonForm(ServiceForm):
    identifier = forms.CharField(
        label="User id",
        help_text="1 to 32 bytes; stays as it is.",
        widget=UnfoldAdminTextInputWidget(attrs={"data-limit-bytes": 32}),
    )
    nick = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget(attrs={"data-limit-bytes": profiles.NICK_BYTES})
    )
    avatar = forms.CharField(
        required=False, help_text="An http or https address.", widget=UnfoldAdminTextInputWidget
    )  # fmt: skip


@admin.register(Person)
class PersonAdmin(ConsoleAdmin):
    can_add = can_change = True
    form = PersonForm
    list_display = ("identifier", "nick", "app", "level", "blocked", "created_at")
    list_filter = ("blocked", "app")
    search_fields = ("identifier", "nick")
    ordering = ("-id",)
    acts = (
        Act(
            "revoke-tokens", "Revoke tokens", icon="logout",
            question="Revoke every UserSig of this user made until now? It must get a new one to log in again.",
        ),
        Act("block", "Block", icon="block", danger=True, question="Block this user? It is refused everywhere.", form=ReasonForm),
        Act("unblock", "Unblock", icon="lock_open", question="Let this user in again?"),
    )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Person | None = None) -> Any:
        if obj is None:
            return ("app", "identifier", "nick", "avatar")
        return (
            "app", "identifier", "nick", "avatar", "level", "role", "fields", "blocked", "tokens_valid_from", "created_at",
            "login_link",
        )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Person | None = None) -> Any:
        return [name for name in self.get_fields(request, obj) if name not in ("nick", "avatar")] if obj else ()

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
            # Made like one that logs in: the same checks on its id.
            tokens.make_usersig(app=said["app"], identifier=said["identifier"], expire_seconds=60, now=clock.now())
            person = tokens.ensure_person(app=said["app"], identifier=said["identifier"])
        changes = {name: said[name] for name in ("nick", "avatar") if name in form.changed_data}
        if changes:
            profiles.change_profile(person=person, changes=changes)
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
        return "streamer" if login.is_staff and login.person_id else "nothing to see"

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
