"""What the environment says about the OpenID Connect service that people may sign in with."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from studio.config import env

# Nobody becomes an owner by a group: a team's owner is made by people (docs/decisions).
ROLES = ("admin", "billing", "creator", "viewer")  # from the most to the least
LOOPBACK = ("localhost", "127.0.0.1", "::1")
CALLBACK = "/accounts/oidc/callback/"


@dataclass(frozen=True, slots=True)
class GroupRole:
    """Who is in `group` has `role` in the team at `team`."""

    group: str
    team: str  # its address
    role: str


@dataclass(frozen=True, slots=True)
class Oidc:
    """A service that signs people in."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    trusts_email: bool
    groups: tuple[GroupRole, ...]
    groups_claim: str

    @property
    def provider(self) -> str:
        """What accounts of this issuer are stored under: ids of another issuer mean other
        people."""
        return f"oidc-{hashlib.sha256(self.issuer.encode()).hexdigest()[:16]}"


def configuration(strict: bool) -> Oidc | None:
    """The service that OIDC_ISSUER names; None without one. ImproperlyConfigured says what is
    missing."""
    issuer = env.address("OIDC_ISSUER")
    given = {name: env.text(name) for name in ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")}
    if not issuer:
        others = [name for name, value in given.items() if value]
        if others:
            raise ImproperlyConfigured(
                f"{others[0]} is set, but OIDC_ISSUER is not, so nobody can sign in with it. Set "
                "OIDC_ISSUER to the address of the service, or take the other out."
            )
        return None
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise ImproperlyConfigured(
            f"{' and '.join(missing)} must be set because OIDC_ISSUER is. Register this site at "
            f"the service with the return address PUBLIC_URL{CALLBACK}; it tells both."
        )
    host = urlsplit(issuer).hostname or ""
    if strict and not issuer.startswith("https://") and host not in LOOPBACK:
        raise ImproperlyConfigured(
            "OIDC_ISSUER begins with http://, so anybody on the way could sign in as anybody. Use "
            "its https:// address."
        )
    return Oidc(
        issuer=issuer,
        client_id=given["OIDC_CLIENT_ID"],
        client_secret=given["OIDC_CLIENT_SECRET"],
        name=env.text("OIDC_NAME") or host,
        trusts_email=env.flag("OIDC_TRUST_EMAIL"),
        groups=group_roles(env.text("OIDC_GROUPS")),
        groups_claim=env.text("OIDC_GROUPS_CLAIM") or "groups",
    )


def group_roles(text: str) -> tuple[GroupRole, ...]:
    """The entries of OIDC_GROUPS: `group=team:role`, with semicolons. A group's name may have any
    character but the semicolon; the last `=` ends it."""
    found = []
    for entry in (one.strip() for one in text.split(";")):
        if not entry:
            continue
        group, separator, gives = entry.rpartition("=")
        team, colon, role = gives.strip().rpartition(":")
        if not (separator and colon and group.strip() and re.fullmatch(r"[-a-z0-9_]+", team)):
            raise ImproperlyConfigured(
                f"OIDC_GROUPS holds “{entry}”; an entry is group=team:role, such as "
                "editors=studio-north:creator, where the team is the word in its address; "
                "several are separated by semicolons."
            )
        if role not in ROLES:
            raise ImproperlyConfigured(
                f"OIDC_GROUPS gives the role “{role}”; a group may give {', '.join(ROLES)}. Owners "
                "are made on the team’s own page."
            )
        found.append(GroupRole(group.strip(), team, role))
    return tuple(found)
