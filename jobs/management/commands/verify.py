"""`manage.py verify`: whether every promise holds of every row and file."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from jobs.engine import invariants
from jobs.orders import reconcile


class Command(BaseCommand):
    help = (
        "Checks that nothing was lost or paid twice: tasks, holds, settlements, budgets, videos, "
        "stuck jobs, events. "
        "Reads only, also while the site works. Ends with 0 when everything holds, with 1 "
        "otherwise."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="one JSON object instead of sentences"
        )
        parser.add_argument(
            "--deep", action="store_true", help="also decode every video to its last frame"
        )

        parser.add_argument(
            "--service",
            action="store_true",
            help="also ask every connection’s list for tasks that are in no row (free)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = invariants.report(deep=options["deep"])
        if options["service"]:
            found.checked["accounts"] = 0
            for sentences in reconcile.strangers():
                found.checked["accounts"] += 1
                found.broken += sentences
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    {
                        "whole": not found.broken,
                        "broken": found.broken,
                        "notes": found.notes,
                        "checked": found.checked,
                    },
                    ensure_ascii=False,
                )
            )
        else:
            for sentence in (*found.notes, *found.broken):
                self.stdout.write(sentence)
            looked = ", ".join(f"{number:,} {name}" for name, number in found.checked.items())
            end = "Everything holds." if not found.broken else f"{len(found.broken):,} broken."
            self.stdout.write(f"Looked at {looked}. {end}")
        if found.broken:
            sys.exit(1)
