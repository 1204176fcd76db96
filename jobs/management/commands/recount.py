"""`manage.py recount`: the balances anew from the ledger."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from jobs.billing import balances


class Command(BaseCommand):
    help = (
        "Writes all balances anew from the ledger, whose sums they are. Needed only when verify "
        "says that one lacks something. Orders and settlements wait meanwhile."
    )

    def handle(self, *args: object, **options: object) -> None:
        self.stdout.write(f"{balances.recount():,} balances are written from the ledger.")
