"""Money: wallets, orders, and the entries between wallets (G2).

Promise: an entry moves an amount out of one wallet into another, so that every transfer sums to zero by its shape; entries and orders
are never changed or deleted (the database refuses it, migration 0006); no person's balance falls below zero. Amounts are whole minor
units of the app's currency."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from liveroom.accounts.models import App, Person
from liveroom.rooms.models import Room


class Wallet(models.Model):
    """A person's own, or one of the two that an app has: `house` earns its part of the gifts, `source` stands for the money outside.

    Only a person's has a kept balance: the app's two are in every transfer, and a row that everybody waits for would make buying slow;
    theirs is the sum of their entries."""

    PERSON, HOUSE, SOURCE = "person", "house", "source"

    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="wallets")
    kind = models.CharField(max_length=8, choices=[(PERSON, "person"), (HOUSE, "the house"), (SOURCE, "money outside")])
    person = models.OneToOneField(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="wallet")
    balance = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["app", "kind"], condition=Q(person__isnull=True), name="one_wallet_of_each_kind"
            ),
            models.CheckConstraint(
                condition=Q(kind="person", person__isnull=False, balance__gte=0)
                | Q(kind__in=["house", "source"], person__isnull=True, balance__isnull=True),
                name="balance_not_below_zero",
            ),
        ]

    def __str__(self) -> str:
        return str(self.person) if self.person_id else f"{self.kind} of {self.app_id}"


class Order(models.Model):
    """Why money moved, once per person and idempotency key, with the answer that was given. Never changed: what takes it back is an
    order of its own (`refund_of`)."""

    GIFT, TOP_UP, REFUND = "gift", "topup", "refund"

    number = models.CharField(max_length=24, unique=True)
    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="orders")
    kind = models.CharField(max_length=8, choices=[(GIFT, "gift"), (TOP_UP, "top-up"), (REFUND, "refund")])
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="orders", help_text="Whose order it is.")
    room = models.ForeignKey(Room, null=True, blank=True, on_delete=models.PROTECT, related_name="orders")
    amount = models.BigIntegerField()
    key = models.CharField("idempotency key", max_length=220)
    body_sha256 = models.CharField(max_length=64)
    answer = models.JSONField()
    provider = models.CharField(max_length=40, blank=True, default="", help_text="Who took the money, for a top-up.")
    reference = models.CharField(max_length=200, blank=True, default="", help_text="How the provider calls it.")
    refund_of = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="refund")
    by = models.CharField(max_length=120)
    reason = models.CharField(max_length=300, blank=True, default="")
    at = models.DateTimeField("when")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "key"], name="one_order_per_key"),
            models.UniqueConstraint(
                fields=["app", "provider", "reference"], condition=~Q(provider=""), name="one_order_per_payment"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="order_moves_something"),
            models.CheckConstraint(
                condition=Q(kind="refund", refund_of__isnull=False) | (~Q(kind="refund") & Q(refund_of__isnull=True)),
                name="refund_of_an_order",
            ),
        ]
        indexes = [models.Index(fields=["app", "-at", "-id"], name="order_by_time")]

    def __str__(self) -> str:
        return self.number


class LedgerEntry(models.Model):
    """`amount` went out of `debit` into `credit`."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="entries")
    debit = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="debits", db_index=False)
    credit = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="credits", db_index=False)
    amount = models.BigIntegerField()
    at = models.DateTimeField("when")

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="entry_moves_something"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="entry_between_two_wallets"),
        ]
        indexes = [
            models.Index(fields=["debit", "-id"], name="entry_by_debit"),
            models.Index(fields=["credit", "-id"], name="entry_by_credit"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.order_id}"
