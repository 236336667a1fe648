"""Whether the books add up, for staff: what `manage.py verify_ledger` proves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSelectWidget

from interactions.gifts.services.verifying import Report, verify
from liveroom.accounts.models import App
from liveroom.kernel import clock
from liveroom.kernel.web.pages import is_staff

if TYPE_CHECKING:
    AppField = forms.ModelChoiceField[App]
else:
    AppField = forms.ModelChoiceField

# What people ask first; the names are the report's.
SHOWN = (
    ("Paid in, less what went back", "paid_in"),
    ("Held by people", "held_by_people"),
    ("The house's", "house"),
    ("Charged for gifts", "gift_amount"),
    ("Gifts as they were sent", "gifts_value"),
    ("Told to rooms", "messages_value"),
    ("Refunded", "refund_amount"),
    ("Gifts", "gifts"),
    ("Messages", "messages"),
    ("In the archive", "heard"),
)


class AskedForm(forms.Form):
    app = AppField(
        queryset=App.objects.order_by("name"), required=False, empty_label="All apps", widget=UnfoldAdminSelectWidget
    )


def page(site: AdminSite) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        """It is asked for by a POST: it reads every order there is."""
        if not is_staff(request):
            raise PermissionDenied
        form = AskedForm(request.POST if request.method == "POST" else None)
        context: dict[str, Any] = {**site.each_context(request), "title": "Reconciliation", "form": form}
        if form.is_valid():
            began = time.monotonic()
            report = verify(now=clock.now(), app=form.cleaned_data["app"])
            context |= {"report": report, "figures": shown(report), "seconds": round(time.monotonic() - began, 1)}
        return TemplateResponse(request, "console/reconciliation.html", context)

    return view


def shown(report: Report) -> list[tuple[str, str]]:
    return [(title, f"{report.figures.get(name, 0):,}") for title, name in SHOWN]
