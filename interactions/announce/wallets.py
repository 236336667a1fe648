"""What changed somebody's wallet, told to that person alone."""

from __future__ import annotations

from interactions.announce.telling import tell_you
from interactions.facts import OrderRefunded, WalletToppedUp
from interactions.models import Order
from liveroom.kernel.facts import handles


@handles(WalletToppedUp)
def wallet_topped_up(fact: WalletToppedUp) -> None:
    _tell(fact, kind=Order.TOP_UP, amount=fact.amount)


@handles(OrderRefunded)
def order_refunded(fact: OrderRefunded) -> None:
    amount = fact.amount if fact.kind == Order.GIFT else -fact.amount
    _tell(fact, kind=Order.REFUND, amount=amount, refund_of=fact.refund_of)


def _tell(fact: WalletToppedUp | OrderRefunded, **body: object) -> None:
    tell_you(str(fact.sdkappid), fact.identifier, fact.at, "wallet", order=fact.order, balance=fact.balance, **body)
