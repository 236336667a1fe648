"""Say something to every room of an app. For staff."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from interactions.chat.services.broadcasts import TITLE_BYTES, send_broadcast
from liveroom.accounts.models import App
from liveroom.kernel import clock
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.web.forms import ActForm
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import is_staff, staff_actor

if TYPE_CHECKING:
    AppField = forms.ModelChoiceField[App]
else:
    AppField = forms.ModelChoiceField


class BroadcastForm(ActForm):
    app = AppField(queryset=App.objects.order_by("name"), empty_label=None, widget=UnfoldAdminSelectWidget)
    title = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget(attrs={"data-limit-bytes": TITLE_BYTES}))
    text = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}), help_text="As long as a message of the app may be."
    )


def page(site: AdminSite) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        if not is_staff(request):
            raise PermissionDenied
        form = BroadcastForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            said = {name: form.cleaned_data[name] for name in ("title", "text") if form.cleaned_data[name]}
            try:
                sent = send_broadcast(
                    app=form.cleaned_data["app"], **said, by=staff_actor(request), now=clock.now(),
                    address=client_address(request),
                )  # fmt: skip
            except LiveRoomError as refusal:
                form.lay(refusal)
            else:
                messages.success(request, f"On its way to {sent.rooms} open room{'' if sent.rooms == 1 else 's'}.")
                return HttpResponseRedirect(reverse("admin:broadcast"))
        context: dict[str, Any] = {**site.each_context(request), "title": "Broadcast", "form": form}
        return TemplateResponse(request, "console/broadcast.html", context)

    return view
