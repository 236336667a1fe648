"""The questions that prove the books, one statement each: grouped where the rows are, so that a hundred thousand gifts take seconds.

Each selects only what is wrong. `{app}` limits a question to one app; `%(…)s` are parameters. The same on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Final

# Kept balances against the sums of the entries.
BALANCES: Final = """
SELECT w.id, w.balance, COALESCE(c.came, 0) - COALESCE(d.went, 0)
FROM interactions_wallet w
LEFT JOIN (SELECT credit_id, SUM(amount) AS came FROM interactions_ledgerentry GROUP BY credit_id) c ON c.credit_id = w.id
LEFT JOIN (SELECT debit_id, SUM(amount) AS went FROM interactions_ledgerentry GROUP BY debit_id) d ON d.debit_id = w.id
WHERE w.kind = 'person' AND (w.balance < 0 OR w.balance <> COALESCE(c.came, 0) - COALESCE(d.went, 0)) {app}
ORDER BY w.id LIMIT %(most)s
"""

# Per app: what people hold, what the entries leave with the house and outside. They sum to nothing.
SUMS: Final = """
SELECT w.app_id, COUNT(w.id),
  COALESCE(SUM(CASE WHEN w.kind = 'person' THEN w.balance END), 0),
  COALESCE(SUM(CASE WHEN w.kind = 'house' THEN COALESCE(c.came, 0) - COALESCE(d.went, 0) END), 0),
  COALESCE(SUM(CASE WHEN w.kind = 'source' THEN COALESCE(c.came, 0) - COALESCE(d.went, 0) END), 0)
FROM interactions_wallet w
LEFT JOIN (SELECT credit_id, SUM(amount) AS came FROM interactions_ledgerentry GROUP BY credit_id) c ON c.credit_id = w.id
LEFT JOIN (SELECT debit_id, SUM(amount) AS went FROM interactions_ledgerentry GROUP BY debit_id) d ON d.debit_id = w.id
WHERE 1 = 1 {app} GROUP BY w.app_id ORDER BY w.app_id
"""

# Orders whose entries do not do what the order says, or whose gift says something else than the order.
_MOVED: Final = """
SELECT e.order_id, SUM(e.amount) AS moved,
  SUM(CASE WHEN d.person_id = o.person_id THEN e.amount ELSE 0 END) AS from_person,
  SUM(CASE WHEN c.person_id = o.person_id THEN e.amount ELSE 0 END) AS to_person,
  SUM(CASE WHEN d.person_id = g.streamer_id THEN e.amount ELSE 0 END) AS from_streamer,
  SUM(CASE WHEN c.person_id = g.streamer_id THEN e.amount ELSE 0 END) AS to_streamer,
  SUM(CASE WHEN d.kind = 'house' THEN e.amount ELSE 0 END) AS from_house,
  SUM(CASE WHEN c.kind = 'house' THEN e.amount ELSE 0 END) AS to_house,
  SUM(CASE WHEN d.kind = 'source' THEN e.amount ELSE 0 END) AS from_source,
  SUM(CASE WHEN c.kind = 'source' THEN e.amount ELSE 0 END) AS to_source,
  SUM(CASE WHEN d.app_id <> o.app_id OR c.app_id <> o.app_id THEN 1 ELSE 0 END) AS strangers
FROM interactions_ledgerentry e
JOIN interactions_order o ON o.id = e.order_id
JOIN interactions_wallet d ON d.id = e.debit_id
JOIN interactions_wallet c ON c.id = e.credit_id
LEFT JOIN interactions_sentgift g ON g.order_id = COALESCE(o.refund_of_id, o.id)
GROUP BY e.order_id
"""
ORDERS: Final = f"""
SELECT o.number, o.kind, o.amount, COALESCE(m.moved, 0)
FROM interactions_order o
LEFT JOIN ({_MOVED}) m ON m.order_id = o.id
LEFT JOIN interactions_sentgift s ON s.order_id = o.id
LEFT JOIN interactions_order r ON r.id = o.refund_of_id
LEFT JOIN interactions_sentgift b ON b.order_id = r.id
WHERE NOT COALESCE(m.moved = o.amount AND m.strangers = 0 AND (
    (o.kind = 'gift' AND m.from_person = o.amount AND s.total = o.amount AND s.buyer_id = o.person_id AND s.room_id = o.room_id
      AND m.to_streamer = s.share AND m.to_house = s.total - s.share)
    OR (o.kind = 'topup' AND s.id IS NULL AND m.from_source = o.amount AND m.to_person = o.amount)
    OR (o.kind = 'refund' AND s.id IS NULL AND o.amount = r.amount AND o.person_id = r.person_id AND (
      (r.kind = 'gift' AND m.to_person = o.amount AND m.from_streamer <= b.share AND m.from_streamer + m.from_house = o.amount)
      OR (r.kind = 'topup' AND m.from_person = o.amount AND m.to_source = o.amount)))
  ), FALSE) {{app}}
ORDER BY o.id LIMIT %(most)s
"""  # noqa: S608 - parts of our own

# Messages that say something else than the gifts in them.
MESSAGES: Final = """
SELECT m.message_id, m.count, m.total, COALESCE(SUM(s.count), 0), COALESCE(SUM(s.total), 0)
FROM interactions_giftmessage m JOIN rooms_room r ON r.id = m.room_id
LEFT JOIN interactions_sentgift s ON s.message_id = m.id
WHERE 1 = 1 {app} GROUP BY m.id, m.message_id, m.count, m.total
HAVING m.count <> COALESCE(SUM(s.count), 0) OR m.total <> COALESCE(SUM(s.total), 0)
  OR SUM(CASE WHEN s.room_id <> m.room_id OR s.buyer_id <> m.buyer_id OR s.gift_id <> m.gift_id THEN 1 ELSE 0 END) > 0
ORDER BY m.id LIMIT %(most)s
"""

# Gifts that wait for the relay: it groups those of one buyer and kind in their order.
WAITING: Final = """
SELECT COUNT(*) FROM interactions_sentgift s JOIN rooms_room r ON r.id = s.room_id WHERE s.message_id IS NULL {app}
"""

# Of them those that fell out of their message: a later one of the kind is in one, or a message of the kind lacks gifts.
FELL_OUT: Final = """
SELECT o.number FROM interactions_sentgift s JOIN interactions_order o ON o.id = s.order_id
LEFT JOIN (
  SELECT DISTINCT room_id, buyer_id, gift_id FROM (
    SELECT m.room_id, m.buyer_id, m.gift_id FROM interactions_giftmessage m LEFT JOIN interactions_sentgift y ON y.message_id = m.id
    GROUP BY m.id, m.room_id, m.buyer_id, m.gift_id, m.count HAVING m.count > COALESCE(SUM(y.count), 0)
  ) short
) l ON l.room_id = s.room_id AND l.buyer_id = s.buyer_id AND l.gift_id = s.gift_id
WHERE s.message_id IS NULL AND (l.room_id IS NOT NULL OR EXISTS (
  SELECT 1 FROM interactions_sentgift x WHERE x.buyer_id = s.buyer_id AND x.room_id = s.room_id AND x.gift_id = s.gift_id
    AND x.id > s.id AND x.message_id IS NOT NULL
)) {app} ORDER BY s.id
"""

# Messages that the room has not heard exactly once, or heard with another count. A room that is no more hears nothing.
_HEARD: Final = """
SELECT room_id, event_id, COUNT(*) AS times, SUM({count}) AS said FROM interactions_archivedmessage
WHERE type = 'gift' AND at >= %(since)s GROUP BY room_id, event_id
"""
HEARD: Final = f"""
SELECT m.message_id, m.count, COALESCE(a.times, 0), COALESCE(a.said, 0)
FROM interactions_giftmessage m JOIN rooms_room r ON r.id = m.room_id
LEFT JOIN ({_HEARD}) a ON a.room_id = m.room_id AND a.event_id = m.message_id
LEFT JOIN kernel_outboxrow l ON l.event_id = m.message_id
WHERE m.at >= %(since)s AND m.at < %(settled)s AND (l.id IS NULL OR l.done_at < %(settled)s)
  AND (r.disbanded_at IS NULL OR a.times IS NOT NULL) AND (COALESCE(a.times, 0) <> 1 OR a.said <> m.count) {{app}}
ORDER BY m.id LIMIT %(most)s
"""  # noqa: S608 - parts of our own
UNDER_WAY: Final = """
SELECT COUNT(*) FROM interactions_giftmessage m JOIN rooms_room r ON r.id = m.room_id
LEFT JOIN kernel_outboxrow l ON l.event_id = m.message_id
WHERE m.at >= %(since)s AND (m.at >= %(settled)s OR (l.id IS NOT NULL AND (l.done_at IS NULL OR l.done_at >= %(settled)s))) {app}
"""

# Gifts that a room heard of and nobody paid.
UNPAID: Final = """
SELECT a.event_id, a.sender FROM interactions_archivedmessage a JOIN rooms_room r ON r.id = a.room_id
WHERE a.type = 'gift' AND NOT EXISTS (SELECT 1 FROM interactions_giftmessage m WHERE m.message_id = a.event_id) {app}
ORDER BY a.id LIMIT %(most)s
"""

# Rankings against the gifts that were told and not taken back.
_TOLD: Final = """
SELECT s.room_id, s.buyer_id AS person_id, {period} AS period, s.total AS value, s.count AS number
FROM interactions_sentgift s {join}
WHERE s.message_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM interactions_order x WHERE x.refund_of_id = s.order_id)
"""
RANKINGS: Final = """
SELECT r.group_id, p.identifier, t.period, SUM(t.value), SUM(t.number) FROM (
  {told}
  UNION ALL
  SELECT room_id, person_id, period, -value, -count FROM interactions_gifttotal WHERE scope = '{scope}'
) t JOIN rooms_room r ON r.id = t.room_id JOIN accounts_person p ON p.id = t.person_id
WHERE 1 = 1 {app} GROUP BY r.id, r.group_id, p.id, p.identifier, t.period HAVING SUM(t.value) <> 0 OR SUM(t.number) <> 0
ORDER BY r.id, p.id LIMIT %(most)s
"""
TOLD_EVER: Final = _TOLD.format(period="''", join="")
TOLD_IN_SHOWS: Final = _TOLD.format(period="l.sequence", join="JOIN rooms_livesession l ON l.id = s.session_id")

FIGURES: Final = """
SELECT o.kind, COUNT(*), COALESCE(SUM(o.amount), 0) FROM interactions_order o WHERE 1 = 1 {app} GROUP BY o.kind
"""
TOLD_FIGURES: Final = """
SELECT COUNT(*), COALESCE(SUM(m.count), 0), COALESCE(SUM(m.total), 0)
FROM interactions_giftmessage m JOIN rooms_room r ON r.id = m.room_id WHERE 1 = 1 {app}
"""
SENT_FIGURES: Final = """
SELECT COALESCE(SUM(s.count), 0), COALESCE(SUM(s.total), 0), COALESCE(SUM(s.share), 0)
FROM interactions_sentgift s JOIN rooms_room r ON r.id = s.room_id WHERE 1 = 1 {app}
"""
HEARD_FIGURES: Final = """
SELECT COUNT(*) FROM interactions_archivedmessage a JOIN rooms_room r ON r.id = a.room_id WHERE a.type = 'gift' {app}
"""
