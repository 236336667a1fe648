"""Make a UserSig, and see what one says and whether it is good. The secret that signs is never shown here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from liveroom.accounts.models import App, Login, Person
from liveroom.accounts.rules import usersig
from liveroom.accounts.services import tokens
from liveroom.accounts.shapes import TokenRequestSerializer
from liveroom.kernel import clock
from liveroom.kernel.data import audit
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.web.forms import ActForm
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import is_staff, staff_actor

if TYPE_CHECKING:
    AppField = forms.ModelChoiceField[App]
else:
    AppField = forms.ModelChoiceField

LIFETIMES = [
    (3600, "1 hour"),
    (86400, "1 day"),
    (7 * 86400, "7 days"),
    (30 * 86400, "30 days"),
    (180 * 86400, "180 days"),
]


class MakeForm(ActForm):
    """A streamer's has no app and no user id: it makes tokens for itself only."""

    shape = TokenRequestSerializer

    app = AppField(queryset=App.objects.order_by("name"), empty_label=None, widget=UnfoldAdminSelectWidget)
    identifier = forms.CharField(
        label="User id", strip=False, widget=UnfoldAdminTextInputWidget(attrs={"data-limit-bytes": 32}),
        help_text="The user need not exist yet: its first login makes it.",
    )  # fmt: skip
    expire = forms.TypedChoiceField(
        label="Good for", choices=LIFETIMES, coerce=int, initial=86400, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, own: Person | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if own is not None:
            del self.fields["app"], self.fields["identifier"]


class CheckForm(ActForm):
    token = forms.CharField(
        label="UserSig",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a token says, and what a door would say to it."""

    sig: usersig.UserSig | None
    fault: usersig.Fault | None
    issued_at: datetime | None = None
    expires_at: datetime | None = None


def verdict(*, token: str, now: datetime, own: Person | None) -> Verdict:
    """As `tokens.log_in` would decide, but nobody is made by it. `own`: only this person's tokens are judged good."""
    parsed = usersig.parse(token)
    if isinstance(parsed, usersig.Fault):
        return Verdict(sig=None, fault=parsed)
    app = own.app if own is not None else App.objects.filter(sdkappid=parsed.sdkappid).first()
    person = Person.objects.filter(app=app, identifier=parsed.identifier).first() if app else None
    fault = usersig.check(
        parsed, key=app.secret_key if app else None, now=now, valid_from=person.tokens_valid_from if person else None,
        identifier=own.identifier if own else None, sdkappid=own.app.sdkappid if own else None,
    )  # fmt: skip
    if fault is None and person is not None and person.blocked:
        fault = usersig.Fault.BLOCKED
    return Verdict(
        sig=parsed, fault=fault, issued_at=_instant(parsed.time), expires_at=_instant(parsed.time + parsed.expire)
    )


def _instant(seconds: int) -> datetime | None:
    """A token may claim any year; the calendar ends with 9999."""
    try:
        return datetime.fromtimestamp(seconds, tz=UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _made(request: HttpRequest, form: MakeForm, own: Person | None) -> dict[str, Any]:
    now, said = clock.now(), form.cleaned_data
    app, identifier = (own.app, own.identifier) if own else (said["app"], said["identifier"])
    sig = tokens.make_usersig(app=app, identifier=identifier, expire_seconds=said["expire"], now=now)
    actor = tokens.person_actor(own) if own else staff_actor(request)
    audit.record(
        action="usersig.make", actor=actor, now=now, target=f"{app.sdkappid}:{identifier}",
        address=client_address(request), detail={"expire": said["expire"]},
    )  # fmt: skip
    return {"token": sig, "identifier": identifier, "sdkappid": app.sdkappid}


def page(site: AdminSite) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        own = None if is_staff(request) else cast(Login, request.user).person
        nobody = own is None and not is_staff(request)
        asked = request.POST.get("do") if request.method == "POST" and not nobody else None
        make = MakeForm(request.POST if asked == "make" else None, own=own, prefix="make")
        check = CheckForm(request.POST if asked == "check" else None, prefix="check")
        context: dict[str, Any] = {
            **site.each_context(request), "title": "UserSig", "make": make, "check": check, "own": own, "nobody": nobody,
        }  # fmt: skip
        if asked == "make" and make.is_valid():
            try:
                context["made"] = _made(request, make, own)
            except LiveRoomError as refusal:
                make.lay(refusal)
        if asked == "check" and check.is_valid():
            context["verdict"] = verdict(token=check.cleaned_data["token"], now=clock.now(), own=own)
        answer = TemplateResponse(request, "console/usersig.html", context)
        answer["Cache-Control"] = "no-store"
        return answer

    return view
