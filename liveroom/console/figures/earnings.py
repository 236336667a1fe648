"""A streamer's own wallet: what came in, from whom, and what went out. Staff have all wallets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from interactions.gifts.selectors import statements
from liveroom.accounts.models import Login, Person
from liveroom.kernel.web.csv_file import csv_response
from liveroom.kernel.web.pages import is_staff


def _person(request: HttpRequest) -> Person:
    user = request.user
    if not isinstance(user, Login) or user.person is None:
        raise Http404("This login belongs to no user, so it has no wallet.")
    return user.person


def page(site: AdminSite) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        if is_staff(request):
            return HttpResponseRedirect(reverse("admin:interactions_wallet_changelist"))
        person = _person(request)
        panel = statements.panel(statements.wallet_of(person_id=person.pk), before=request.GET.get("before"))
        panel |= {"file": reverse("admin:earnings_file"), "currency": person.app.currency}
        context: dict[str, Any] = {
            **site.each_context(request), "title": "Earnings", "statement": panel, "balance": f"{panel['balance']:,}",
        }  # fmt: skip
        return TemplateResponse(request, "console/earnings.html", context)

    return view


def file(site: AdminSite) -> Callable[[HttpRequest], Any]:
    def view(request: HttpRequest) -> Any:
        wallet = statements.wallet_of(person_id=_person(request).pk)
        parts = statements.parts(wallet) if wallet else iter(())
        return csv_response(name="earnings.csv", header=statements.HEADER, parts=parts)

    return view
