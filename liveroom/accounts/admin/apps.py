"""Apps, the keys of their backends, and their push and play domains."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from liveroom.accounts.facts import AppChanged
from liveroom.accounts.models import ApiKey, App, Domain
from liveroom.accounts.models.apps import SCOPES
from liveroom.accounts.services import apps
from liveroom.accounts.shapes import TopUpSecretShape
from liveroom.kernel import clock, facts
from liveroom.kernel.data import audit
from liveroom.kernel.web.forms import ActForm, RowForm, ServiceForm
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, ConsoleAdmin, short_list


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


class TopUpSecretForm(ActForm):
    shape = TopUpSecretShape

    secret = forms.CharField(
        required=False, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text="What the payment provider signs with, where it makes the secret itself. Empty: one is made here.",
    )  # fmt: skip


@admin.register(App)
class AppAdmin(ConsoleAdmin):
    can_add = can_change = True
    form = AppForm
    list_display = ("name", "sdkappid", "rooms_count", "demo", "open_list", "created_at")
    search_fields = ("name", "=sdkappid")
    readonly_fields = ("created_at",)
    fieldsets = (
        (None, {"fields": ("name", "sdkappid", "admin_identifiers", "created_at")}),
        ("Rooms", {"fields": ("open_list", "second_publisher", "several_rooms", "members_count")}),
        (
            "Messages",
            {
                "fields": (
                    "messages_per_second",
                    "message_bytes",
                    "likes_per_second",
                    ("like_batch", "like_batch_ms"),
                    ("gift_batch", "gift_batch_ms"),
                    "history_count",
                    "history_hours",
                    "archive_days",
                )
            },
        ),
        ("Money", {"fields": ("currency", "gift_share_percent", "gift_base", "test_topups")}),
        ("Levels and popularity", {"fields": ("level_weights", "level_thresholds", "popularity_weights")}),
        ("Demo", {"fields": ("demo",)}),
    )
    acts = (
        Act("show-secret", "Show secret key", icon="visibility", question="Show the secret key? Whoever has it can log in as anybody."),
        Act(
            "renew-secret", "New secret key", icon="autorenew", danger=True,
            question="Make a new secret key? Every UserSig made with the old one stops working at once.",
        ),
        Act(
            "show-topup-secret", "Show top-up secret", icon="visibility",
            question="Show the top-up secret? Whoever has it can fill wallets.",
        ),
        Act(
            "renew-topup-secret", "New top-up secret", icon="autorenew", danger=True, form=TopUpSecretForm,
            question="Change the top-up secret? What payment providers sign with the old one is refused at once.",
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
        facts.state(AppChanged(app_id=obj.pk, sdkappid=obj.sdkappid, at=now, changed=tuple(form.changed_data)))
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

    def act_show_topup_secret(self, request: HttpRequest, app: App) -> HttpResponse:
        _shown(self, request, "app.topup_secret_show", str(app.sdkappid))
        values = {"sdkappid": str(app.sdkappid), "Top-up secret": app.topup_secret}
        return self.reveal(request, app, title=f"Top-up secret of {app.name}", values=values)

    def act_renew_topup_secret(self, request: HttpRequest, app: App, *, secret: str) -> HttpResponse:
        apps.renew_topup_secret(
            app=app, secret=secret, by=self.actor(request), now=clock.now(), address=client_address(request)
        )
        return self.reveal_next(request, app, self.acts[2])


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
