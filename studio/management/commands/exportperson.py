"""`manage.py exportperson`: everything that is stored of a person, as one zip."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from studio.audit.events import Event
from studio.audit.trail import record
from studio.personal_data import export
from studio.teams import confirmed


class Command(BaseCommand):
    help = "Writes everything that is stored of one person into a zip file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="who")
        parser.add_argument("--to", metavar="FILE", required=True, help="the zip; must not exist")

    def handle(self, *args: object, **options: str) -> None:
        person = confirmed.person_at(options["email"])
        if person is None:
            raise CommandError(f"There is nobody with the address {options['email']}.")
        path = Path(options["to"])
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
        with transaction.atomic():
            record(Event.PERSON_EXPORTED, person=person)
        with os.fdopen(handle, "wb") as out:
            for block in export.blocks_of(person):
                out.write(block)
        self.stdout.write(f"{path} has everything that is stored of {person.email}.")
