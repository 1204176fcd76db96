"""One spelling for each mail address, so that two who mean the same are the same."""

from __future__ import annotations

import unicodedata

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from studio.models import User


def canonical(text: str) -> str:
    """`text` as this site writes addresses: without spaces around, in small letters, full-width
    and other compatible forms as plain ones (NFKC), a domain in its own script and not in its
    xn-- form."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    name, at, domain = plain.rpartition("@")
    return f"{name}{at}{canonical_domain(domain)}"


def canonical_domain(text: str) -> str:
    """A domain as `canonical` writes it; labels that are no IDN stay as they are."""
    labels = unicodedata.normalize("NFKC", text).strip().lower().split(".")
    return ".".join(_in_its_script(label) for label in labels)


def _in_its_script(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label.encode("ascii").decode("idna")
    except UnicodeError:
        return label


def checked(text: str) -> str:
    """`canonical`; ValidationError when it is no address."""
    address = canonical(text)
    validate_email(address)
    if len(address) > 254:
        raise ValidationError("too long")
    return address


def confirmed_addresses(user: User) -> set[str]:
    """The addresses of `user` that count, in their one spelling."""
    rows = EmailAddress.objects.filter(user=user, verified=True)
    return {canonical(email) for email in rows.values_list("email", flat=True)}
