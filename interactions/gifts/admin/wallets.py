"""Wallets: what somebody has, and where it came from and went. Staff top up with a reason."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from unfold.widgets import UnfoldAdminBigIntegerFieldWidget, UnfoldAdminTextInputWidget

from interactions.gifts.selectors import statements
from interactions.gifts.services.topups import STAFF, top_up
from interactions.models import Wallet
from liveroom.kernel import clock
from liveroom.kernel.values import ids
from liveroom.kernel.web.csv_file import csv_response
from liveroom.kernel.web.forms import ActForm
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, SwornAdmin


class TopUpForm(ActForm):
    amount = forms.IntegerField(min_value=1, widget=UnfoldAdminBigIntegerFieldWidget)
    reason = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"data-limit-bytes": 300}),
        help_text="For the statement and the audit log.",
    )
    # Of the form as it was shown: who sends it twice pays in once.
    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["key"] = ids.event_id()


TOP_UP = Act("top-up", "Top up", icon="add_card", form=TopUpForm)


@admin.register(Wallet)
class WalletAdmin(SwornAdmin):
    list_display = ("owner", "kind", "holds", "app")
    list_filter = ("app", "kind")
    search_fields = ("person__identifier", "person__nick")
    search_help_text = "User ids and nicks."
    list_select_related = ("person", "app")
    ordering = ("-balance", "id")
    show_full_result_count = False
    acts = (TOP_UP,)
    change_form_outer_after_template = "console/wallet.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("owner", "app", "holds")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    @admin.display(description="whose", ordering="person__identifier")
    def owner(self, wallet: Wallet) -> str:
        if wallet.person is None:
            return wallet.get_kind_display()
        return f"{wallet.person.shown_name} ({wallet.person.identifier})"

    @admin.display(description="holds", ordering="balance")
    def holds(self, wallet: Wallet) -> str:
        return f"{statements.balance_of(wallet):,}" if wallet.balance is None else f"{wallet.balance:,}"

    def acts_for(self, request: HttpRequest, obj: Wallet) -> Any:
        return self.acts if obj.kind == Wallet.PERSON else ()

    def get_urls(self) -> list[Any]:
        file = path(
            "<int:pk>/statement.csv", self.admin_site.admin_view(self.file_view), name="interactions_wallet_statement"
        )
        return [file, *super().get_urls()]

    def file_view(self, request: HttpRequest, pk: int) -> Any:
        wallet = Wallet.objects.select_related("app", "person").filter(pk=pk).first()
        if wallet is None or not self.has_view_permission(request, wallet):
            raise Http404("There is nothing at this address.")
        return csv_response(name="statement.csv", header=statements.HEADER, parts=statements.parts(wallet))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        wallet = kwargs.get("obj")
        if wallet is not None and wallet.pk:
            context["statement"] = statements.panel(wallet, before=request.GET.get("before"))
            context["statement"]["file"] = reverse(
                f"{self.admin_site.name}:interactions_wallet_statement", args=(wallet.pk,)
            )
            context["statement"]["orders"] = reverse(f"{self.admin_site.name}:interactions_order_changelist")
        return super().render_change_form(request, context, *args, **kwargs)

    def act_top_up(
        self, request: HttpRequest, wallet: Wallet, *, amount: int, reason: str, key: str
    ) -> HttpResponse | str:
        if wallet.person is None:
            raise Http404("The app's own wallets are not topped up.")
        answer = top_up(
            person=wallet.person, amount=amount, provider=STAFF, reference=None, key=key or ids.event_id(),
            by=self.actor(request), now=clock.now(), reason=reason, address=client_address(request),
        )  # fmt: skip
        return f"{amount:,} came in, by order {answer['order']}."
