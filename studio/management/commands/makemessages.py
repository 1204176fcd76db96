"""Django's makemessages, which also finds the sentences of the engine."""

from __future__ import annotations

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=phrase", "--keyword=plural_phrase:1,2"]
