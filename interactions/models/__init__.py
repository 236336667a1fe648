"""What stays of what was said, given, promised, asked and watched."""

from interactions.models.archive import ArchivedMessage
from interactions.models.draws import Draw, DrawEntry, DrawWinner
from interactions.models.gifts import Gift, GiftMessage, GiftTotal, SentGift
from interactions.models.ledger import LedgerEntry, Order, Wallet
from interactions.models.polls import Ballot, Pin, Poll, Question
from interactions.models.standing import Badge, Follow, Membership, PersonBadge, Score
from interactions.models.statistics import Cursor, MinuteStat, SessionSummary, SessionViewer

__all__ = [
    "ArchivedMessage", "Badge", "Ballot", "Cursor", "Draw", "DrawEntry", "DrawWinner", "Follow", "Gift", "GiftMessage", "GiftTotal",
    "LedgerEntry", "Membership", "MinuteStat", "Order", "PersonBadge", "Pin", "Poll", "Question", "Score", "SentGift",
    "SessionSummary", "SessionViewer", "Wallet",
]  # fmt: skip
