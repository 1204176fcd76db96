"""One-time links to make an account: who holds one was invited by an operator, and whoever is at
its address has thereby shown that they are.

The link of the first operator has no address: only the console of the site shows it.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.models import SignUpLink, User

LIFETIME = timedelta(days=7)
SESSION_KEY = "sign_up_link"  # the session's name for the digest of the link that was opened


class LinkGone(Exception):
    """The link was used by somebody else in the meantime, or has ended."""


def make(email: str = "", *, operator: bool = False, site: str = "") -> str:
    """The address of a new link, on `site` (PUBLIC_URL unless the caller knows better). An older
    one that was not used ends: for the same person, or of the first operator."""
    email = email.strip().lower()
    if not email and not operator:
        raise ValueError("Only the link of an operator is for nobody in particular.")
    secret = secrets.token_urlsafe(32)
    now = clock.now()
    with transaction.atomic():
        SignUpLink.objects.filter(email=email, used_at=None).delete()
        SignUpLink.objects.create(
            digest=_digest(secret),
            email=email,
            operator=operator,
            created_at=now,
            expires_at=now + LIFETIME,
        )
        given = {"operator": operator}
        record(Event.ACCOUNT_LINK_MADE, person=email or None, after=given)
    return (site or settings.PUBLIC_URL) + reverse("join", args=[secret])


def first_operator(site: str = "") -> str:
    """The address with which the first person of a fresh site becomes its operator; "" when there
    is somebody already."""
    return "" if User.objects.exists() else make(operator=True, site=site)


def opened(secret: str) -> SignUpLink | None:
    """The link with this secret, as long as it can be used."""
    return _usable(_digest(secret))


def remember(request: HttpRequest, link: SignUpLink) -> None:
    """The visitor goes on to the sign-up page with `link`."""
    request.session[SESSION_KEY] = link.digest


def remembered(request: HttpRequest) -> SignUpLink | None:
    """The link that the visitor came with, as long as it can be used."""
    session = getattr(request, "session", None)
    digest = session.get(SESSION_KEY) if session is not None else None
    return _usable(digest) if isinstance(digest, str) else None


def use(link: SignUpLink, user: User) -> None:
    """Spend `link` for `user`; the caller notes that their address is confirmed. LinkGone when it
    was spent. In the transaction that makes the account, so that one link makes one."""
    now = clock.now()
    spent = SignUpLink.objects.filter(pk=link.pk, used_at=None, expires_at__gt=now).update(
        used_at=now, used_by=user
    )
    if not spent:
        raise LinkGone
    if link.operator:
        user.is_staff = user.is_superuser = True
        user.save(update_fields=["is_staff", "is_superuser"])


def _usable(digest: str) -> SignUpLink | None:
    found = SignUpLink.objects.filter(
        digest=digest, used_at=None, expires_at__gt=clock.now()
    ).first()
    if found is not None and settings.SIGNUP == "closed" and not found.operator:
        return None
    return found


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
