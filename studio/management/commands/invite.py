"""`manage.py invite`: a one-time link with which somebody makes an account on this site."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from studio.teams import confirmed, sign_up_links


class Command(BaseCommand):
    help = (
        "Prints a link with which one person makes an account, once, within a week. Whoever "
        "claimed the address before without confirming it loses it to the holder of the link."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="who the link is for")
        parser.add_argument(
            "--operator",
            action="store_true",
            help="they become staff with all rights on this site",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        email, operator = options["email"].strip().lower(), bool(options["operator"])
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(f"“{email}” is no e-mail address.") from None
        there = confirmed.person_at(email)
        if there is not None and confirmed.is_confirmed(there):
            raise CommandError(
                f"{email} has an account. With “I forgot my password” they set a new password; "
                "rights are given in the admin."
            )
        if settings.SIGNUP == "closed" and not operator:
            raise CommandError(
                "SIGNUP is “closed”, so nobody makes an account, invited or not. Set "
                "SIGNUP=invited."
            )
        self.stdout.write(
            f"{email} makes an account here (once, within {sign_up_links.LIFETIME.days} days):"
        )
        self.stdout.write(sign_up_links.make(email, operator=operator))
