"""`manage.py adjust`: correct what was settled, with a new entry of the ledger that says who and
why."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.billing import ledger, prices
from jobs.models import Check, Job
from studio.models.people import Team, User


class Command(BaseCommand):
    help = (
        "Corrects what a job, a check, a person or a team was charged, by an amount, for a "
        "reason. Nothing in the ledger is changed: an entry is added."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "amount", metavar="AMOUNT", help="in the team's currency, such as -0.472500 or 1.20"
        )
        parser.add_argument("--job", metavar="ID", default="", help="a job, by its id on the site")
        parser.add_argument("--check", metavar="ID", default="", help="a check, by its id")
        parser.add_argument("--team", metavar="ADDRESS", default="", help="a team, by its address")
        parser.add_argument("--member", metavar="EMAIL", default="", help="with --team: whose")
        parser.add_argument("--month", metavar="2026-11", default="", help="with --team: when")
        parser.add_argument("--by", metavar="EMAIL", required=True, help="who corrects it")
        parser.add_argument("--reason", required=True, help="why, for people who read the ledger")

    def handle(self, *args: object, **options: Any) -> None:
        given = [name for name in ("job", "check", "team") if options[name]]
        if len(given) != 1:
            raise CommandError("Say what to correct with one of --job, --check and --team.")
        if given != ["team"] and (options["member"] or options["month"]):
            raise CommandError("--member and --month go with --team alone.")
        subject: Job | Check | None = None
        if options["job"]:
            subject = Job.objects.select_related("team").filter(public_id=options["job"]).first()
        elif options["check"]:
            checks = Check.objects.select_related("team")
            subject = checks.filter(public_id=options["check"]).first()
        team = subject.team if subject else Team.objects.filter(slug=options["team"]).first()
        if team is None:
            raise CommandError(f"There is no {given[0]} {options[given[0]]}.")
        try:
            entry = ledger.adjust(
                team,
                micros_of(options["amount"]),
                options["reason"],
                person(options["by"]),
                subject=subject,
                member=person(options["member"]) if options["member"] else None,
                month=month_of(options["month"]) if options["month"] else None,
            )
        except ledger.NotAdjustable as why:
            raise CommandError(str(why.sentence)) from None
        amount = prices.format_money(entry.settled, entry.currency, 6)
        self.stdout.write(f"Corrected by {amount} in {entry.month:%B %Y}: {entry.note}")


def micros_of(text: str) -> int:
    """“-0.4725” in millionths."""
    try:
        micros = Decimal(text) * prices.MILLION
    except InvalidOperation:
        micros = Decimal("NaN")
    if not micros.is_finite() or abs(micros) > ledger.MOST or micros != int(micros):
        raise CommandError(f"“{text}” is no amount with at most six decimals.")
    return int(micros)


def month_of(text: str) -> date:
    """The first day of “2026-11”."""
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise CommandError(f"“{text}” is no month; one looks like 2026-11.") from None


def person(email: str) -> User:
    found = User.objects.filter(email__iexact=email.strip()).first()
    if found is None:
        raise CommandError(f"There is nobody with the address {email}.")
    return found
