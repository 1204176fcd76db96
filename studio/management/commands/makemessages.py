"""Django's makemessages, which also finds the sentences of the engine."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    xgettext_options = [
        *makemessages.Command.xgettext_options,
        "--keyword=phrase",
        "--keyword=plural_phrase:1,2",
    ]

    def handle(self, *args: Any, **options: Any) -> None:
        # What tests say is shown to nobody.
        super().handle(
            *args, **options | {"ignore_patterns": [*options["ignore_patterns"], "tests/*"]}
        )
