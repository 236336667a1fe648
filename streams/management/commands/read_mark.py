"""Whose copy a film is: finds the invisible mark in a file and says what it stands for. Exit code 1: there is none; 2: unreadable."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from streams.media.marking.finding import Found
from streams.media.marking.read import Reading, Unreadable, read_mark
from streams.watermarks import selectors

_SECONDS, _MOST_SECONDS = 120.0, 86_400.0


class Command(BaseCommand):
    help = "Find the invisible mark in a file, and name what it was made for."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--seconds", type=float, default=_SECONDS, help=f"look no further than this into it (default {_SECONDS:g})"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        seconds = options["seconds"]
        if not 1 <= seconds <= _MOST_SECONDS:
            raise CommandError(f"--seconds: from 1 to {_MOST_SECONDS:g}; given: {seconds:g}.", returncode=2)
        try:
            reading = read_mark(options["file"], seconds=seconds, told=self._told)
        except Unreadable as error:
            raise CommandError(f"{options['file']}: {error}", returncode=2) from None
        if sys.stderr.isatty():
            self.stderr.write("\r", ending="")
        if options["json"]:
            self.stdout.write(json.dumps(self._plain(reading)))
        elif reading.found is not None:
            self._say(reading.found, seconds=reading.seconds)
        if reading.found is None:
            words = f"No mark was found in the {reading.seconds:.0f} seconds that were looked at."
            raise CommandError(f"{words} Marks need some ten seconds of picture.", returncode=1)

    def _told(self, seconds: float) -> None:
        """How far it is, for somebody who waits."""
        if sys.stderr.isatty():
            self.stderr.write(f"\r{seconds:.0f} s looked at", ending="")

    def _say(self, found: Found, *, seconds: float) -> None:
        try:
            named = selectors.named(found.number)
            words = named.words if named else f"Mark {found.number}: nobody here gave out this number."
        except DatabaseError:
            words = f"Mark {found.number}: the database cannot be asked what it stands for."
        self.stdout.write(words)
        self.stdout.write(
            f"{found.agreement:.0%} of its bits were right before correction, {found.sureness:.0f} times the energy of noise "
            f"(60 are needed), after {seconds:.0f} s of picture."
        )

    def _plain(self, reading: Reading) -> dict[str, Any]:
        found = reading.found
        if found is None:
            return {"number": None, "seconds": round(reading.seconds, 1)}
        try:
            named = msgspec.to_builtins(selectors.named(found.number))
        except DatabaseError:
            named = None
        return {
            "number": found.number, "named": named, "sureness": round(found.sureness, 1),
            "agreement": round(found.agreement, 4), "seconds": round(reading.seconds, 1),
            "place": msgspec.to_builtins(found.place),
        }  # fmt: skip
