"""Draws as staff see them: who entered and why somebody did not win. The seed of one that was not drawn is on no page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import path, reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from interactions.draws import explaining, selectors
from interactions.draws.rules import REFUSALS
from interactions.draws.services.opening import cancel_draw
from interactions.models import Draw, DrawEntry
from liveroom.kernel import clock
from liveroom.kernel.web.csv_file import csv_response
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, BoundedPaginator, SwornAdmin

CANCEL = Act(
    "cancel", "Cancel the draw", icon="cancel", danger=True,
    question="Cancel this draw? Nobody wins, and the room is told. It cannot be opened again.",
)  # fmt: skip


class WhyForm(forms.Form):
    why = forms.CharField(
        label="User id", widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "User id", "autocomplete": "off"})
    )


@admin.register(Draw)
class DrawAdmin(SwornAdmin):
    change_form_template = "console/draw.html"
    list_display = ("prize", "room", "keyword", "status", "opens_at", "closes_at", "winners_count", "entrants_count")
    list_filter = ("status", "app")
    search_fields = ("number", "keyword", "prize", "room__group_id", "room__title")
    list_select_related = ("room",)
    ordering = ("-id",)
    acts = (CANCEL,)

    def get_fields(self, request: HttpRequest, obj: Draw | None = None) -> Any:
        names = super().get_readonly_fields(request, obj)
        return [name for name in names if name != "seed" or (obj is not None and obj.status == Draw.DRAWN)]

    def get_readonly_fields(self, request: HttpRequest, obj: Draw | None = None) -> list[str]:
        return list(self.get_fields(request, obj))

    def acts_for(self, request: HttpRequest, obj: Draw) -> Sequence[Act]:
        return self.acts if obj.status in Draw.UNDECIDED else ()

    def act_cancel(self, request: HttpRequest, draw: Draw) -> str:
        cancel_draw(draw=draw, by=self.actor(request), now=clock.now(), address=client_address(request))
        return "The draw is cancelled."

    def get_urls(self) -> list[Any]:
        table = path(
            "<path:object_id>/winners.csv",
            self.admin_site.admin_view(self.winners_view),
            name="interactions_draw_winners_csv",
        )
        return [table, *super().get_urls()]

    def winners_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        draw = self.get_object(request, object_id)
        if draw is None or not self.has_view_permission(request, draw):
            raise Http404("There is no such draw.")
        return csv_response(
            name=f"winners-{draw.number}.csv", header=selectors.WINNERS_HEADER, parts=selectors.winner_rows(draw)
        )

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        draw = kwargs.get("obj")
        if draw is not None and draw.pk:
            context["panel"] = self._panel(request, draw)
        return super().render_change_form(request, context, *args, **kwargs)

    def _panel(self, request: HttpRequest, draw: Draw) -> dict[str, Any]:
        asked = request.GET.get("why", "").strip()[:40]
        entries = reverse(f"{self.admin_site.name}:interactions_drawentry_changelist") + f"?draw__id__exact={draw.pk}"
        return {
            "draw": draw,
            "waits": explaining.waits_for(draw, now=clock.now()),
            "entered": DrawEntry.objects.filter(draw=draw).count(),
            "refused": explaining.refused_counts(draw),
            "winners": list(selectors.winners_of(draw)[: selectors.NAMED_WINNERS]),
            "entries_url": entries,
            "csv_url": reverse(f"{self.admin_site.name}:interactions_draw_winners_csv", args=(draw.pk,)),
            "form": WhyForm(initial={"why": asked}),
            "why": explaining.why_not(draw, identifier=asked) if asked else "",
        }


class RefusedFilter(admin.SimpleListFilter):
    title = "took part"
    parameter_name = "refused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "took part"), *((reason, f"refused: {reason}") for reason in REFUSALS)]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        wanted = self.value()
        return queryset.filter(refused="" if wanted == "no" else wanted) if wanted else queryset


@admin.register(DrawEntry)
class DrawEntryAdmin(SwornAdmin):
    """Who said the keyword in time; found from a draw's page."""

    list_display = ("at", "person", "draw", "refused", "event_id")
    list_filter = (RefusedFilter,)
    search_fields = ("=person__identifier", "=draw__number")
    search_help_text = "A user id, or the id of a draw."
    list_select_related = ("person", "draw")
    ordering = ("-id",)
    paginator = BoundedPaginator
    show_full_result_count = False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup == "draw__id__exact" or super().lookup_allowed(lookup, value, request)  # type: ignore[call-arg]
