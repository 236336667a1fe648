"""What every page of the console shares: staff only unless a page says otherwise, refusals as form errors, acts as POSTs.

Pages are doors: a change goes through a service where one exists, and the service's refusal comes back as the form's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from liveroom.kernel import permission
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.permission import Actor
from liveroom.kernel.web.forms import ActForm, RowForm

FRESH = "console_fresh"
# Nobody turns a thousand pages.
COUNTED = 10_000


def is_staff(request: HttpRequest) -> bool:
    """Staff of the deployment; other logins are streamers and see their rooms."""
    user = request.user
    return bool(user.is_active and getattr(user, "is_superuser", False))


def staff_actor(request: HttpRequest) -> Actor:
    return Actor(kind=permission.STAFF, label=request.user.get_username())


def short_list(values: Iterable[Any], *, at_most: int = 5) -> str:
    found = [str(value) for value in values]
    more = len(found) - at_most
    return ", ".join(found[:at_most]) + (ngettext(" and %d more", " and %d more", more) % more if more > 0 else "")


class BoundedPaginator(Paginator):
    """Counts no further than somebody would turn pages: counting millions of rows takes seconds."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED].count())


class SetFilter(admin.SimpleListFilter):
    """Whether a field is set, in words: Django's own says "empty" and "not empty". Subclass, or `set_filter`."""

    field: ClassVar[str]
    words: ClassVar[tuple[str, str]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", self.words[0]), ("no", self.words[1])]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(**{f"{self.field}__isnull": self.value() == "no"})


def set_filter(field: str, *, title: str, yes: str, no: str) -> type[SetFilter]:
    return type(
        f"{field.title()}Filter",
        (SetFilter,),
        {"field": field, "title": title, "parameter_name": field, "words": (yes, no)},
    )


@dataclass(frozen=True, slots=True)
class Act:
    """A button on the page of a row; `act_<name>` of the page does it. With a question or a form, it asks first."""

    name: str
    title: str
    icon: str = ""
    question: str = ""
    danger: bool = False
    form: type[ActForm] | None = None
    apart: bool = False
    """Not among the buttons on top: the page's own template shows it."""

    @property
    def method(self) -> str:
        return "act_" + self.name.replace("-", "_")


class ConsoleAdmin(ModelAdmin):
    """Base of every page. Rights come from who is logged in, never from permission rows.

    As it stands: staff may look. `can_add` and `can_change` let them do more; nothing is deleted behind the services' back."""

    can_add = False
    can_change = False
    acts: Sequence[Act] = ()
    form: type[forms.ModelForm] = RowForm
    change_form_outer_before_template: str | None = "console/acts.html"
    list_per_page = 50
    list_filter_sheet = False

    class Media:
        js = (forms.Script("console/console.js", type="module"),)

    def get_list_display(self, request: HttpRequest) -> Any:
        """What a row names (a user, a room, a stream) is a link to it, where its page may be opened."""
        found = list(super().get_list_display(request))
        links = self.get_list_display_links(request, found) or []
        return [self._linked(request, name) if name not in links else name for name in found]

    def _linked(self, request: HttpRequest, name: Any) -> Any:
        field = next((one for one in self.opts.fields if one.name == name and one.many_to_one), None)
        other = self.admin_site._registry.get(field.related_model) if field is not None else None
        if field is None or other is None or not other.has_view_permission(request):
            return name

        def column(row: Any) -> Any:
            return self.link_to(getattr(row, field.name))

        column.short_description = field.verbose_name  # type: ignore[attr-defined]
        column.admin_order_field = field.name  # type: ignore[attr-defined]
        return column

    def link_to(self, named: Any) -> Any:
        """The row by its name, with a link to its page. For pages of staff."""
        if named is None:
            return None
        opts = named._meta
        url = reverse(f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_change", args=(named.pk,))
        return format_html('<a class="lr-link" href="{}">{}</a>', url, named)

    def actor(self, request: HttpRequest) -> Actor:
        return staff_actor(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_staff(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.can_add and is_staff(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.can_change and is_staff(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = getattr(request, "console_refusal", None)
        return form

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A refusal rolls the whole change back; the form is then shown again with the refusal in it."""
        answer: HttpResponse
        try:
            answer = super().changeform_view(request, object_id, form_url, extra_context)
        except LiveRoomError as refusal:
            request.console_refusal = refusal  # type: ignore[attr-defined]
            answer = super().changeform_view(request, object_id, form_url, extra_context)
        return answer

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """What somebody may not see does not exist for them; Django would redirect and say its id."""
        raise Http404("There is nothing at this address.")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        obj = kwargs.get("obj")
        if obj is not None and obj.pk:
            context["acts"] = self.shown_acts(request, obj)
        return super().render_change_form(request, context, *args, **kwargs)

    # -- acts

    def acts_for(self, request: HttpRequest, obj: Any) -> Sequence[Act]:
        """The acts that make sense for this row now. The others stay callable and are refused by the service."""
        return self.acts

    def shown_acts(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        return [self.shown_act(obj, act) for act in self.acts_for(request, obj) if not act.apart]

    def shown_act(self, obj: Any, act: Act) -> dict[str, Any]:
        return {
            "act": act,
            "url": self.act_url(obj, act),
            "form": act.form(auto_id=f"id_{act.name}_%s") if act.form else None,
        }

    def act_url(self, obj: Any, act: Act) -> str:
        opts = self.model._meta
        return reverse(f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_act", args=(obj.pk, act.name))

    def page_url(self, obj: Any) -> str:
        opts = self.model._meta
        return reverse(f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_change", args=(obj.pk,))

    def get_urls(self) -> list[Any]:
        opts = self.model._meta
        act = path(
            "<path:object_id>/act/<slug:name>/",
            self.admin_site.admin_view(self.act_view),
            name=f"{opts.app_label}_{opts.model_name}_act",
        )
        return [act, *super().get_urls()]

    def act_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """GET asks, POST does. A refusal is shown with the question, and nothing was done."""
        obj = self.get_object(request, object_id)
        act = next((act for act in self.acts if act.name == name), None)
        if obj is None or act is None or not self.has_view_permission(request, obj):
            raise Http404("There is nothing at this address.")
        form = act.form(request.POST or None) if act.form else None
        refusal: LiveRoomError | None = None
        fresh = form is None and request.session.pop(FRESH, None) == request.path
        if fresh or (request.method == "POST" and (form is None or form.is_valid())):
            try:
                with transaction.atomic():
                    answer = getattr(self, act.method)(request, obj, **(form.cleaned_data if form else {}))
            except LiveRoomError as error:
                refusal = error
                if form is not None:
                    form.lay(error)
            else:
                if isinstance(answer, HttpResponse):
                    return answer
                messages.success(request, answer)
                return HttpResponseRedirect(self.page_url(obj))
        context = {
            **self.admin_site.each_context(request),
            "title": act.title,
            "opts": self.model._meta,
            "original": obj,
            "item": {"act": act, "url": request.path, "form": form},
            "refusal": refusal if form is None else None,
            "back": self.page_url(obj),
        }
        told = form.laid if form is not None else refusal
        return TemplateResponse(request, "console/act.html", context, status=told.status if told else 200)

    def reveal_next(self, request: HttpRequest, obj: Any, act: Act) -> HttpResponse:
        """After making a secret: go and see it once. Loading the page again asks before it shows it again."""
        request.session[FRESH] = url = self.act_url(obj, act)
        return HttpResponseRedirect(url)

    def reveal(self, request: HttpRequest, obj: Any, *, title: str, values: Mapping[str, str]) -> HttpResponse:
        """A page with secrets on it, kept by no cache."""
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.model._meta,
            "original": obj,
            "values": values,
            "back": self.page_url(obj),
        }
        answer = TemplateResponse(request, "console/secret.html", context)
        answer["Cache-Control"] = "no-store"
        return answer


class SwornAdmin(ConsoleAdmin):
    """Rows that were written once and are only read: every field shown, none to change."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.model._meta.fields if field.name != "id"]
