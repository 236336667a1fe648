"""A show's page: its numbers, minute by minute and beside the last shows of its room. While it is on, they follow."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path, reverse

from interactions.statistics import selectors
from interactions.statistics.api import statistics_file
from liveroom.console.figures import plots
from liveroom.kernel import clock
from liveroom.rooms.admin.sessions import LiveSessionPages
from liveroom.rooms.models import LiveSession

# Points in a plot, and rows of the table under it; a longer show is drawn in steps of several minutes.
POINTS: Final = 240
COMPARED: Final = 10


def panel_of(session: LiveSession) -> dict[str, Any]:
    """Everything on the page that is not a field."""
    now = clock.now()
    ends = session.ended_at or now
    currency = session.room.app.currency
    minutes, each = selectors.timeline(session=session, now=now, at_most=POINTS)
    summaries = selectors.latest_summaries(session=session, count=COMPARED)
    this = next((one for one in summaries if one.session_id == session.pk), None)
    if this is None:
        this = selectors.measured(session=session, ends=ends, now=now)
        summaries = [*summaries[-COMPARED + 1 :], this]
    return {
        "session": session,
        "running": session.ended_at is None,
        "counted": this.pk is not None,
        "length": plots.span((ends - session.started_at).total_seconds()),
        "figures": plots.figures(this, currency=currency),
        "each": each,
        "minutes": minutes,
        "currency": currency,
        "plots": plots.minute_plots(minutes, currency=currency),
        "measures": plots.MEASURES,
        "comparison": plots.comparison(summaries, this=this) if len(summaries) > 1 else None,
        "room_url": reverse("admin:rooms_room_change", args=(session.room_id,)),
        "csv_url": reverse("admin:rooms_livesession_statistics_csv", args=(session.pk,)),
    }


@admin.register(LiveSession)
class SessionPage(LiveSessionPages):
    """The page and the list, with numbers."""

    change_form_template = "console/session.html"
    list_display = ("started_at", "room", "length", "peak", "viewers", "comments", "gift_value", "ended_at", "sequence")
    list_display_links = ("started_at", "sequence")
    list_select_related = ("room", "summary")

    def get_urls(self) -> list[Any]:
        table = path(
            "<path:object_id>/statistics.csv",
            self.admin_site.admin_view(self.csv_view),
            name="rooms_livesession_statistics_csv",
        )
        return [table, *super().get_urls()]

    def csv_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        session = self.get_object(request, object_id)
        if session is None or not self.has_view_permission(request, session):
            raise Http404("There is no such show.")
        return statistics_file(session)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        session = kwargs.get("obj")
        if session is not None:
            context["panel"] = panel_of(session)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="length")
    def length(self, session: LiveSession) -> str:
        return plots.span(((session.ended_at or clock.now()) - session.started_at).total_seconds())

    @admin.display(description="peak", ordering="summary__online_peak")
    def peak(self, session: LiveSession) -> str:
        return _of(session, "online_peak")

    @admin.display(description="unique viewers", ordering="summary__viewers")
    def viewers(self, session: LiveSession) -> str:
        return _of(session, "viewers")

    @admin.display(description="comments", ordering="summary__comments")
    def comments(self, session: LiveSession) -> str:
        return _of(session, "comments")

    @admin.display(description="gifts", ordering="summary__gift_value")
    def gift_value(self, session: LiveSession) -> str:
        return _of(session, "gift_value")


def _of(session: LiveSession, name: str) -> str:
    summary = getattr(session, "summary", None)
    return "–" if summary is None else plots.number(getattr(summary, name))
