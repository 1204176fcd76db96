"""Second factors: what beside the password shows that it is the person. The code of an app (TOTP)
and passkeys are factors; recovery codes stand in for a lost one.

What must stay secret of them is encrypted in the database with the site's FIELD_KEYS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from studio.common.encryption import Unreadable, cipher
from studio.models import User

Type = Authenticator.Type
FACTORS = (Type.TOTP, Type.WEBAUTHN)
# What of `Authenticator.data` is encrypted; the rest (public keys, names, counters) is no secret.
SECRETS = ("secret", "seed")


if TYPE_CHECKING:

    class _Adapter:
        def validation_error(self, code: str) -> ValidationError: ...

else:
    _Adapter = DefaultMFAAdapter


class Adapter(_Adapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _(
            "That does not fit, or was used already. Wait for the next code of the app, or use "
            "another way."
        ),
        "unreadable": _(
            "What this site stores of your second factor cannot be read with its keys, so no code "
            "fits. Use a passkey if you have one, and tell whoever runs this site."
        ),
        "cannot_generate_recovery_codes": _(
            "Recovery codes stand in for a second factor, and you have none. Set one up first."
        ),
    }

    def get_totp_issuer(self) -> str:
        return f"Footlight ({urlsplit(settings.PUBLIC_URL).netloc})"

    def _get_site_name(self) -> str:
        return self.get_totp_issuer()

    def encrypt(self, text: str) -> str:
        return cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            raise Unreadable(
                "A second factor cannot be decrypted with any key of FIELD_KEYS."
            ) from None

    def generate_authenticator_name(self, user: User, type: str) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Passkey %(number)s") % {"number": number}


def has_second_factor(user: User) -> bool:
    """Whether `user` has one; recovery codes alone are none."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists())


def with_second_factor(user_ids: set[int]) -> set[int]:
    """Those of `user_ids` that have one."""
    rows = Authenticator.objects.filter(user_id__in=user_ids, type__in=FACTORS)
    return set(rows.values_list("user_id", flat=True))


def remove_all(user: User) -> list[str]:
    """Take every factor and the recovery codes from `user`; returns their types."""
    rows = Authenticator.objects.filter(user_id=user.pk)
    gone = sorted(rows.values_list("type", flat=True))
    rows.delete()
    return gone


def codes_left(recovery: Authenticator) -> int:
    """How many recovery codes are unused; asks for no secret."""
    used: int = recovery.data["used_mask"]
    return int(mfa_settings.RECOVERY_CODE_COUNT) - used.bit_count()


def encrypt_anew(row: Authenticator) -> bool:
    """Encrypt the secrets of `row` with the first of FIELD_KEYS; whether there were any. Unreadable
    when no key fits."""
    adapter = Adapter()
    held = [name for name in SECRETS if name in row.data]
    if held:
        anew = {name: adapter.encrypt(adapter.decrypt(row.data[name])) for name in held}
        row.data = {**row.data, **anew}
        row.save(update_fields=["data"])
    return bool(held)
