"""Orders and gifts that were sent: who paid for this, what the room was told, whether it was taken back. Staff refund."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from interactions.gifts.selectors.statements import in_words
from interactions.gifts.services.refunds import REASON_BYTES, refund
from interactions.models import ArchivedMessage, LedgerEntry, Order, SentGift, Wallet
from liveroom.kernel import clock
from liveroom.kernel.web.forms import ActForm
from liveroom.kernel.web.http import client_address
from liveroom.kernel.web.pages import Act, SwornAdmin


class RefundForm(ActForm):
    reason = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"data-limit-bytes": REASON_BYTES}),
        help_text="For the statement and the audit log.",
    )
    house_bears = forms.BooleanField(
        required=False, label="The house bears the rest", widget=UnfoldBooleanSwitchWidget,
        help_text="Where the streamer has spent her share of the gift already.",
    )  # fmt: skip


REFUND = Act(
    "refund", "Refund", icon="undo", form=RefundForm, danger=True,
    question="Take this order back? The money returns by the way it came, once and for good. Rankings forget the gift.",
)  # fmt: skip


@admin.register(Order)
class OrderAdmin(SwornAdmin):
    list_display = ("at", "number", "kind", "person", "amount", "room", "state", "app")
    list_display_links = ("at", "number")
    list_filter = ("app", "kind", ("room", AutocompleteSelectFilter))
    search_fields = ("number", "person__identifier", "=key", "=reference")
    search_help_text = "Numbers of orders, user ids; whole keys and references of payments."
    list_select_related = ("person", "room__app", "app", "refund")
    date_hierarchy = "at"
    ordering = ("-at", "-id")
    show_full_result_count = False
    acts = (REFUND,)
    change_form_outer_before_template = "console/order.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("number", "kind", "person", "amount", "at", "by", "reason", "provider", "reference", "key", "app")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """A key as the client sent it: the order's begins with what it was for."""
        found, several = super().get_search_results(request, queryset, search_term)
        if search_term:
            found |= queryset.filter(key__in=[f"{kind}:{search_term.strip()}" for kind in (Order.GIFT, Order.TOP_UP)])
        return found, several

    @admin.display(description="state")
    def state(self, order: Order) -> str:
        return "refunded" if hasattr(order, "refund") else ""

    def acts_for(self, request: HttpRequest, obj: Order) -> Any:
        return () if obj.kind == Order.REFUND or hasattr(obj, "refund") else self.acts

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        order = kwargs.get("obj")
        if order is not None and order.pk:
            context["told"] = self._story(order)
        return super().render_change_form(request, context, *args, **kwargs)

    def _link(self, name: str, pk: int) -> str:
        return reverse(f"{self.admin_site.name}:{name}_change", args=(pk,))

    def _story(self, order: Order) -> dict[str, Any]:
        """Who paid, whom, for what; what the room was told; what became of it."""
        entries = (
            LedgerEntry.objects.filter(order=order).select_related("debit__person", "credit__person").order_by("id")
        )
        bought = order.refund_of if order.kind == Order.REFUND else order
        sent = (
            SentGift.objects.select_related("gift", "room", "session", "message", "buyer", "streamer")
            .filter(order=bought)
            .first()
        )
        found: dict[str, Any] = {
            "order": order,
            "currency": order.app.currency,
            "entries": [
                {
                    "debit": _whose(entry.debit, order),
                    "debit_url": self._link("interactions_wallet", entry.debit_id),
                    "credit": _whose(entry.credit, order),
                    "credit_url": self._link("interactions_wallet", entry.credit_id),
                    "amount": entry.amount,
                }
                for entry in entries
            ],
            "sent": sent,
            "refund": getattr(order, "refund", None),
        }
        if sent is not None:
            found["buyer_url"] = self._link("accounts_person", sent.buyer_id)
            found["streamer_url"] = self._link("accounts_person", sent.streamer_id)
            found["room_url"] = self._link("rooms_room", sent.room_id)
            found["session_url"] = self._link("rooms_livesession", sent.session_id) if sent.session_id else ""
            found["gift_url"] = self._link("interactions_gift", sent.gift_id)
            heard = _heard(sent)
            found["heard"] = heard
            found["heard_url"] = self._link("interactions_archivedmessage", heard.pk) if heard else ""
        for name, other in (("refund_url", found["refund"]), ("refund_of_url", order.refund_of)):
            found[name] = self._link("interactions_order", other.pk) if other else ""
        return found

    def act_refund(self, request: HttpRequest, order: Order, *, reason: str, house_bears: bool) -> str:
        made = refund(
            order=order, by=self.actor(request), now=clock.now(), reason=reason, house_bears=house_bears,
            address=client_address(request),
        )  # fmt: skip
        return f"The order is refunded, by {made.number}."


def _whose(wallet: Wallet, order: Order) -> str:
    provider = order.provider or (order.refund_of.provider if order.refund_of else "")
    return in_words(kind=wallet.kind, person=str(wallet.person) if wallet.person else None, provider=provider)


def _heard(sent: SentGift) -> ArchivedMessage | None:
    """The event that the room heard: by the sender and the time, which have an index."""
    if sent.message is None:
        return None
    rows = ArchivedMessage.objects.filter(room=sent.room_id, sender=sent.buyer.identifier, at__gte=sent.at, type="gift")
    return rows.filter(event_id=sent.message.message_id).first()


@admin.register(SentGift)
class SentGiftAdmin(SwornAdmin):
    """What was given; each leads to its order, which tells the rest."""

    list_display = ("at", "buyer", "what", "total", "share", "streamer", "room", "told", "of_order")
    list_filter = ("room__app", ("room", AutocompleteSelectFilter), "gift__kind")
    search_fields = (
        "buyer__identifier",
        "streamer__identifier",
        "=order__number",
        "=message__message_id",
        "gift__name",
    )
    search_help_text = "User ids of givers and streamers, gifts; whole numbers of orders and ids of messages."
    list_select_related = ("buyer", "streamer", "room__app", "gift", "order", "message")
    date_hierarchy = "at"
    ordering = ("-at", "-id")
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("of_order", "buyer", "what", "total", "share", "streamer", "room", "session", "message", "at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    @admin.display(description="gift")
    def what(self, sent: SentGift) -> str:
        return f"{sent.count:,} × {sent.gift.name}"

    @admin.display(description="told", boolean=True)
    def told(self, sent: SentGift) -> bool:
        return sent.message_id is not None

    @admin.display(description="order")
    def of_order(self, sent: SentGift) -> SafeString:
        url = reverse(f"{self.admin_site.name}:interactions_order_change", args=(sent.order_id,))
        return format_html('<a class="lr-link" href="{}">{}</a>', url, sent.order.number)
