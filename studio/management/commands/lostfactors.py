"""`manage.py lostfactors`: a one-time link for somebody who lost every second factor."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from studio.teams import confirmed, lost_factors


class Command(BaseCommand):
    help = (
        "Prints a link that takes the second factors and recovery codes of one person away, once, "
        "within a day; they sign in with their password then. Make sure first that it is them: "
        "whoever asks may only know the password."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="whose factors are lost")

    def handle(self, *args: object, **options: object) -> None:
        email = str(options["email"]).strip().lower()
        user = confirmed.person_at(email)
        if user is None:
            raise CommandError(f"Nobody has an account with {email}.")
        try:
            address = lost_factors.make(user)
        except LookupError:
            raise CommandError(f"{email} has no second factor, so none can be lost.") from None
        hours = int(lost_factors.LIFETIME.total_seconds() // 3600)
        self.stdout.write(f"Takes the second factors of {email} away (once, within {hours} hours):")
        self.stdout.write(address)
