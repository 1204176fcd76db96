"""Secrets encrypted at rest with the site's FIELD_KEYS (Fernet): the first key encrypts, all
decrypt."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class Unreadable(ValueError):
    """A stored secret that none of FIELD_KEYS can decrypt."""


def cipher() -> MultiFernet:
    return MultiFernet([Fernet(key.encode()) for key in settings.FIELD_KEYS])


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """str in Python, a Fernet token in the database. Cannot be searched. Raises Unreadable when no
    key fits."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return value if value in (None, "") else cipher().encrypt(str(value).encode()).decode()

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        if value in (None, ""):
            return value
        try:
            return cipher().decrypt(value.encode()).decode()
        except InvalidToken:
            raise Unreadable(
                "A stored secret cannot be decrypted with any key of FIELD_KEYS."
            ) from None
