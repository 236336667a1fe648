"""What stays of what was said, given, promised, asked and watched."""

from interactions.chat.models import ArchivedMessage, Pin
from interactions.draws.models import Draw, DrawEntry, DrawWinner
from interactions.gifts.models.catalog import Gift, GiftMessage, GiftTotal, SentGift
from interactions.gifts.models.ledger import LedgerEntry, Order, Wallet
from interactions.hands.models import Hand
from interactions.people.models import Badge, Follow, Membership, PersonBadge, Score
from interactions.polls.models import Ballot, Poll, Question
from interactions.replay.models import PublishedShow
from interactions.statistics.models import Cursor, MinuteStat, SessionSummary, SessionViewer

__all__ = [
    "ArchivedMessage", "Badge", "Ballot", "Cursor", "Draw", "DrawEntry", "DrawWinner", "Follow", "Gift", "GiftMessage", "GiftTotal", "Hand",
    "LedgerEntry", "Membership", "MinuteStat", "Order", "PersonBadge", "Pin", "Poll", "PublishedShow", "Question", "Score", "SentGift",
    "SessionSummary", "SessionViewer", "Wallet",
]  # fmt: skip
