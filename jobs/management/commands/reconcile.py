"""`manage.py reconcile`: after a restore of the database, compare what the service was sent with
what the database knows, then send again."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from jobs.accounts.clients import NoKey
from jobs.engine import restored
from jobs.modelstudio import WireError
from jobs.orders import reconcile
from studio.audit.events import Event
from studio.audit.trail import record


class Command(BaseCommand):
    help = (
        "After a restore of the database: compares the tasks of every connection that waits for it "
        "with the service’s list, imports what has no row, and lets the connection send again. "
        "With --begin every connection waits first; run that before workers start on a restored "
        "database. Ends with 1 when a connection could not be compared."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--begin",
            action="store_true",
            help="let every connection wait for its comparison, only",
        )
        parser.add_argument(
            "--since",
            metavar="TIME",
            help="with --begin: tasks made since then may be missing (2026-01-31T14:00+00:00; UTC "
            "where nothing else is said), when that is earlier than the last attempt that the "
            "database knows",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["begin"]:
            self._begin(options["since"])
            return
        if options["since"]:
            raise CommandError("--since goes with --begin.")
        roots = reconcile.waiting()
        if not roots:
            self.stdout.write("No connection waits for a comparison.")
        compared = [self._compare(root) for root in roots]
        if not all(compared):
            sys.exit(1)

    def _begin(self, text: str | None) -> None:
        since = parse_datetime(text) if text else None
        if text and since is None:
            raise CommandError(f"“{text}” is no time. Write it as 2026-01-31T14:00+00:00.")
        if since is not None and timezone.is_naive(since):
            since = timezone.make_aware(since)
        if since is not None and since > timezone.now():
            raise CommandError(
                f"“{text}” has not come yet. Give a time before the backup, or leave --since out."
            )
        count = restored.begin(since)
        accounts = f"{count} connection waits" if count == 1 else f"{count} connections wait"
        self.stdout.write(
            f"{accounts} for the comparison. Run manage.py reconcile once workers and the service "
            "can be reached."
        )

    def _compare(self, root: Any) -> bool:
        name = f"{root.label} of {root.team}"
        try:
            done = reconcile.reconcile(root)
            with transaction.atomic():
                record(
                    Event.RECONCILED,
                    team=root.team,
                    about=root.label,
                    after={"adopted": len(done.adopted), "undecided": len(done.undecided)},
                )
        except (WireError, NoKey) as error:
            self.stderr.write(
                f"{name}: not compared, and nothing is sent there: {error}. Run it again when "
                f"{root.url} can be reached (of a simulator: when it runs)."
            )
            return False
        for job in done.adopted:
            self.stdout.write(f"{name}: task {job.task_id} is followed as job {job.public_id}.")
        for job in done.undecided:
            self.stdout.write(
                f"{name}: job {job.public_id} may have been sent already; decide on its page."
            )
        for sentence in done.left:
            self.stdout.write(f"{name}: {sentence}")
        self.stdout.write(f"{name}: compared; it sends again.")
        return True
