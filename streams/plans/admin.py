"""Staff's pages for templates and rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from liveroom.accounts.models import Domain
from liveroom.kernel import clock
from liveroom.kernel.web.forms import ServiceForm
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, ConsoleAdmin
from streams.models.streams import Stream
from streams.plans import services
from streams.plans.forms import TemplateForm, first_settings, form_of
from streams.plans.models import Rule, Template
from streams.selectors import StreamUnknown

_HEAD = ("app", "kind", "name", "description")


class PlanAdmin(ConsoleAdmin):
    """What both have in common: they are deleted by an act, through the service."""

    can_add = can_change = True

    def _list(self, request: HttpRequest, said: str) -> HttpResponse:
        messages.success(request, said)
        opts = self.model._meta
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_changelist"))

    def asked(self, request: HttpRequest) -> dict[str, Any]:
        return {"by": self.actor(request), "now": clock.now(), "address": client_address(request)}


@admin.register(Template)
class TemplateAdmin(PlanAdmin):
    form = TemplateForm
    list_display = ("name", "kind", "app", "stream", "bound", "description", "updated_at")
    list_filter = ("kind", "app")
    search_fields = ("name", "description", "stream__name", "stream__room__group_id")
    list_select_related = ("app", "stream")
    ordering = ("kind", "name", "id")
    acts = (
        Act(
            "delete", "Delete", icon="delete", danger=True,
            question="Delete this template? One of the app that rules bind is kept until those are gone.",
        ),
    )  # fmt: skip

    @admin.display(description="rules")
    def bound(self, template: Template) -> str:
        return ", ".join(sorted({rule.scope for rule in template.rules.all()})) or "–"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("rules")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            kwargs["form"] = form_of(obj.kind)
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Of a new one its head: its settings are shown once its kind is known."""
        if obj is None:
            return [(None, {"fields": _HEAD})]
        head = ("app", "what", "stream", "name", "description")
        groups = form_of(obj.kind).groups
        return [
            (None, {"fields": head}),
            *((heading or "Settings", {"fields": names}) for heading, names in groups.items()),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("app", "what", "stream") if obj else ()

    @admin.display(description="kind")
    def what(self, template: Template) -> str:
        return template.kind

    def save_model(self, request: HttpRequest, obj: Template, form: Any, change: bool) -> None:
        said, asked = form.cleaned_data, self.asked(request)
        if change:
            template = services.change_template(
                template=Template.objects.select_related("stream__room__app").get(pk=obj.pk), said=form.said(),
                name=said["name"], description=said["description"], **asked,
            )  # fmt: skip
        else:
            kind = said["kind"]
            template = services.make_template(
                app=said["app"], kind=kind, name=said["name"], description=said["description"],
                said=first_settings(kind), **asked,
            )  # fmt: skip
        obj.__dict__.update(template.__dict__)

    def response_add(self, request: HttpRequest, obj: Template, post_url_continue: Any = None) -> HttpResponse:
        messages.success(request, "The template is made. Look at its settings; a rule says where it is used.")
        return HttpResponseRedirect(self.page_url(obj))

    def act_delete(self, request: HttpRequest, template: Template) -> HttpResponse:
        services.delete_template(template=template, **self.asked(request))
        return self._list(request, "The template is deleted.")


class TemplateChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        whose = "" if obj.stream is None else f" (only {obj.stream.name})"
        return f"{obj.kind}: {obj.name}{whose}"


class RuleForm(ServiceForm):
    template = TemplateChoice(
        queryset=Template.objects.select_related("stream").order_by("kind", "name"), required=False,
        empty_label="nothing is done", widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    domain = forms.ModelChoiceField(
        queryset=Domain.objects.filter(kind=Domain.PUSH).order_by("name"), required=False, empty_label="every domain",
        widget=UnfoldAdminSelectWidget, help_text="Only what is pushed with this domain's keys.",
    )  # fmt: skip
    on_stream = forms.CharField(
        required=False, label="Stream", widget=UnfoldAdminTextInputWidget,
        help_text="Only this one, by its name. Without a domain and a stream, the rule is for the whole app.",
    )  # fmt: skip
    final = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget,
        help_text="More specific rules do not count: streamers cannot outrank it.",
    )  # fmt: skip
    field_of = {"stream": "on_stream"}
    beside = {StreamUnknown: "on_stream"}


@admin.register(Rule)
class RuleAdmin(PlanAdmin):
    form = RuleForm
    list_display = ("kind", "does", "scope", "domain", "stream", "final", "app", "updated_at")
    list_filter = ("kind", "final", "app")
    search_fields = ("template__name", "stream__name", "stream__room__group_id", "domain__name")
    list_select_related = ("app", "template", "domain", "stream__room__app")
    ordering = ("-id",)
    acts = (
        Act(
            "delete", "Delete", icon="delete", danger=True,
            question="Delete this rule? What a wider rule says holds again, also for streams on air.",
        ),
    )  # fmt: skip

    @admin.display(description="template")
    def does(self, rule: Rule) -> Any:
        return "nothing is done" if rule.template is None else self.link_to(rule.template)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("app", "kind", "domain", "stream", "template", "final") if obj else (
            "app", "kind", "template", "domain", "on_stream", "final"
        )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("app", "kind", "domain", "stream") if obj else ()

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        said = form.cleaned_data
        if change:
            rule = Rule.objects.select_related("app", "domain", "stream__room__app").get(pk=obj.pk)
            app, kind, domain, stream = rule.app, rule.kind, rule.domain, rule.stream
        else:
            app, kind, domain = said["app"], said["kind"], said["domain"]
            stream = _stream(said["on_stream"].strip(), app_id=app.pk)
        bound = services.bind(
            app=app, kind=kind, template=said["template"], domain=domain, stream=stream, final=said["final"],
            **self.asked(request),
        )  # fmt: skip
        obj.__dict__.update(bound.__dict__)

    def act_delete(self, request: HttpRequest, rule: Rule) -> HttpResponse:
        services.unbind(rule=rule, **self.asked(request))
        return self._list(request, "The rule is deleted.")


def _stream(name: str, *, app_id: int) -> Stream | None:
    if not name:
        return None
    found = Stream.objects.select_related("room__app").filter(name=name, room__app_id=app_id).first()
    if found is None:
        raise StreamUnknown(f"The app has no stream {name[:64]!r}.")
    return found
