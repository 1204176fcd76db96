"""`manage.py recount`: the balances anew from the ledger, and what is stored from the files."""

from __future__ import annotations

from django.core.management.base import BaseCommand
from django.db import transaction

from jobs.billing import balances
from studio.audit.events import Event
from studio.audit.trail import record
from studio.models import usage


class Command(BaseCommand):
    help = (
        "Writes all balances anew from the ledger, whose sums they are, and what teams and people "
        "store from their files. Needed only when verify says that one lacks something. Orders "
        "and settlements wait meanwhile."
    )

    def handle(self, *args: object, **options: object) -> None:
        written, sums = balances.recount(), usage.recount()
        with transaction.atomic():
            after = {"balances": written, "sums": sums}
            record(Event.COMMAND_RUN, about="recount", after=after)
        self.stdout.write(f"{written:,} balances are written from the ledger.")
        self.stdout.write(f"{sums:,} sums of storage are written from the files.")
