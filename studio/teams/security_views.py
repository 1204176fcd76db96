"""“Sign-in and security”: everything about how a person gets in, on one page."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studio.models import Team, User
from studio.teams import confirmed, factors, required_factor
from studio.teams.access import person_of, signed_in


@signed_in
@never_cache
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    user = person_of(request)
    page = _factors(user) | {
        "has_password": user.has_usable_password(),
        "confirmed": confirmed.is_confirmed(user),
        "addresses": EmailAddress.objects.filter(user=user).count(),
        "sign_ins": UserSession.objects.filter(user=user).count(),
        "required_by": list(user.teams.filter(second_factor_required=True)),
        "required_of_staff": settings.SECOND_FACTOR_STAFF and user.is_staff,
        "service": settings.OIDC.name if settings.OIDC else "",
        "linked": _linked(user),
    }
    page["asked"], page["go_on"] = _asked(
        user, request.GET.get("for", ""), bool(page["has_factor"])
    )
    return render(request, "studio/teams/security.html", page)


def _factors(user: User) -> dict[str, object]:
    rows = list(Authenticator.objects.filter(user=user).order_by("id"))
    recovery = next((row for row in rows if row.type == factors.Type.RECOVERY_CODES), None)
    return {
        "app": next((row for row in rows if row.type == factors.Type.TOTP), None),
        "passkeys": [row for row in rows if row.type == factors.Type.WEBAUTHN],
        "recovery": recovery,
        "recovery_left": factors.codes_left(recovery) if recovery else 0,
        "has_factor": any(row.type in factors.FACTORS for row in rows),
    }


def _linked(user: User) -> dict[str, str] | None:
    """The account of the service that signs the person in."""
    if settings.OIDC is None:
        return None
    found = SocialAccount.objects.filter(user=user, provider=settings.OIDC.provider).first()
    return {"email": str(found.extra_data.get("email", ""))} if found is not None else None


def _asked(user: User, what: str, has_factor: bool) -> tuple[str, Team | None]:
    """Why the page was opened: what asks for a second factor, or the team to go on to when there is
    one now."""
    if what == required_factor.OF_STAFF:
        return ("" if has_factor else required_factor.sentence(None)), None
    if "\x00" in what:  # PostgreSQL refuses to be asked for it
        return "", None
    team = Team.objects.filter(memberships__user=user, slug=what).first()
    if team is None or not team.second_factor_required:
        return "", None
    return ("", team) if has_factor else (required_factor.sentence(team), None)


@signed_in
@require_safe
def to_security(request: HttpRequest) -> HttpResponse:
    """allauth's own lists, of which this site has one page."""
    return redirect("security")
