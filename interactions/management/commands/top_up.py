"""Money into somebody's wallet, by whoever runs the deployment."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from interactions.gifts.services.topups import STAFF, top_up
from liveroom.accounts.selectors import app_for
from liveroom.accounts.services.people import person_of
from liveroom.kernel import clock, permission
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import ids


class Command(BaseCommand):
    help = "Top up a user's wallet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, help="The user id.")
        parser.add_argument("--amount", required=True, type=int, help="In the app's minor unit.")
        parser.add_argument("--app", type=int, metavar="SDKAPPID", help="Where there are several.")
        parser.add_argument("--reason", default="", help="For the audit log.")
        parser.add_argument("--key", default="", help="Say the same again to repeat a call that may have happened.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            person = person_of(app=app_for(options["app"]), identifier=options["user"])
            answer = top_up(
                person=person, amount=options["amount"], provider=STAFF, reference=None, key=options["key"] or ids.event_id(),
                by=Actor(kind=permission.STAFF, label="manage.py"), now=clock.now(), reason=options["reason"],
            )  # fmt: skip
        except LiveRoomError as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(f"{answer['order']}: {answer['user']} has {answer['balance']:,} {person.app.currency} now.")
