"""Proves the books: exit code 0 and figures, or 1 and every drift by its name."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from interactions.gifts.services.verifying import verify
from liveroom.accounts.models import App
from liveroom.kernel import clock


class Command(BaseCommand):
    help = "Prove that balances, orders, gifts, what rooms heard and the rankings add up."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--app", type=int, metavar="SDKAPPID", help="Of one app; all if nothing is said.")
        parser.add_argument("--json", action="store_true", help="For programs.")

    def handle(self, *args: Any, **options: Any) -> None:
        app = None
        if options["app"] is not None:
            app = App.objects.filter(sdkappid=options["app"]).first()
            if app is None:
                raise CommandError(f"There is no app with the sdkappid {options['app']}.")
        report = verify(now=clock.now(), app=app)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
        else:
            for name, value in report.figures.items():
                self.stdout.write(f"{name.replace('_', ' '):<16} {value:>20,}")
            self.stdout.write(f"{'under way':<16} {report.under_way:>20,}")
            for finding in report.findings:
                self.stdout.write(f"DRIFT  {finding}")
            self.stdout.write(
                "The books add up." if report.clean else f"{len(report.findings)} findings: the books do NOT add up."
            )
        if not report.clean:
            sys.exit(1)
