"""`manage.py eraseperson`: erases a person, and says what is gone, and what stays and why."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from studio.personal_data import erasure
from studio.teams import confirmed


class Command(BaseCommand):
    help = (
        "Erases one person: name, addresses, password, sign-ins, consents and mails. Jobs, ledger "
        "and audit trail stay, with a number in place of the name. Nobody can undo it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="who")
        parser.add_argument(
            "--files",
            action="store_true",
            help="also the files that they uploaded and nothing was made of",
        )
        parser.add_argument("--yes", action="store_true", help="without this it only says what")

    def handle(self, *args: object, **options: object) -> None:
        person = confirmed.person_at(str(options["email"]))
        if person is None:
            raise CommandError(f"There is nobody with the address {options['email']}.")
        reasons = erasure.reasons_against(person)
        if reasons:
            raise CommandError(" ".join(reasons))
        if not options["yes"]:
            raise CommandError(f"This erases {person.email} for ever. Run it again with --yes.")
        try:
            report = erasure.erase(person, files=bool(options["files"]))
        except erasure.NotErasable as error:
            raise CommandError(str(error)) from None
        for one in report:
            self.stdout.write(f"{'stays' if one.stays else 'gone '}  {one.sentence}")
