"""Encrypt every stored secret anew with the first of FIELD_KEYS."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from studio.audit.events import Event
from studio.audit.trail import record
from studio.common.encryption import EncryptedTextField, Unreadable
from studio.teams import factors


class Command(BaseCommand):
    help = (
        "Encrypts every stored secret anew with the first key of FIELD_KEYS. Put the new key in "
        "front, run this, then take the old one out. "
        "It may be run again at any time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done, lost = 0, []
        for model in apps.get_models():
            for field in model._meta.concrete_fields:
                if isinstance(field, EncryptedTextField):
                    rewritten, unreadable = self._rotate(model, field.attname)
                    done += rewritten
                    lost += unreadable
        rewritten, unreadable = self._rotate_factors()
        done += rewritten
        lost += unreadable
        self.stdout.write(
            f"{done} secret{'' if done == 1 else 's'} encrypted with the first key of FIELD_KEYS."
        )
        with transaction.atomic():
            record(Event.KEYS_ENCRYPTED_ANEW, after={"done": done, "unreadable": len(lost)})
        if lost:
            raise CommandError(
                f"Not readable with any key of FIELD_KEYS and left as they are: {', '.join(lost)}. "
                "Keep the old key until they are replaced."
            )

    def _rotate(self, model: type[models.Model], name: str) -> tuple[int, list[str]]:
        done, lost = 0, []
        rows = model._default_manager.order_by("pk")
        for pk in rows.values_list("pk", flat=True):
            try:
                row = rows.get(pk=pk)
            except Unreadable:
                lost.append(f"{model._meta.verbose_name} {pk}")
                continue
            row.save(update_fields=[name])
            done += 1
        return done, lost

    def _rotate_factors(self) -> tuple[int, list[str]]:
        """Second factors are rows of allauth, whose secrets stand in JSON."""
        done, lost = 0, []
        for row in Authenticator.objects.order_by("pk").iterator():
            try:
                done += factors.encrypt_anew(row)
            except Unreadable:
                lost.append(f"second factor {row.pk}")
        return done, lost
