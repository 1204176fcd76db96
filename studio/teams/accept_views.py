"""What somebody sees who has the link of an invitation: who invites them into which team, what is
in the way, and the button to join."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from studio.models import Invitation, User
from studio.teams import invitations
from studio.teams.access import public
from studio.teams.invitations import Problem

STATUS = {
    Problem.UNKNOWN: 404,
    Problem.MEMBER: 200,
    Problem.ADDRESS: 403,
    Problem.UNCONFIRMED: 403,
}  # of the others: 410, since it was there and does not come back


@public
@never_cache
@require_safe
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """Leads to the page of the invitation. Opening it spends nothing, since programs that look at
    mail open links too; its secret leaves the address, which others may see."""
    found = invitations.opened(token)
    if found is None:
        return _page(request, None, Problem.UNKNOWN)
    invitations.remember(request, found)
    return redirect("invitation", found.public_id)


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, invitation: str) -> HttpResponse:
    """For who has opened the link, signed in or not, and for the one person that it waits for."""
    found = invitations.shown_to(request, invitation)
    if found is None:
        return _page(request, None, Problem.UNKNOWN)
    user = request.user
    if not isinstance(user, User):
        if request.method == "POST":
            return redirect(_with_next("account_login", found))
        return _page(request, found, invitations.ended(found))
    if request.method == "POST":
        try:
            joined = invitations.accept(found, user)
        except invitations.CannotJoin as error:
            return _page(request, found, error.problem)
        messages.success(
            request,
            _("You are in %(team)s now, as %(role)s.")
            % {"team": joined.team, "role": joined.get_role_display()},
        )
        return redirect(joined.team)
    return _page(request, found, invitations.problem_for(found, user))


@public
@require_POST
def switch(request: HttpRequest, invitation: str) -> HttpResponse:
    """Sign out and go on with the invitation as somebody else."""
    found = invitations.shown_to(request, invitation)
    logout(request)
    if found is None:
        return redirect("account_login")
    invitations.remember(request, found)
    return redirect("invitation", found.public_id)


def _page(request: HttpRequest, found: Invitation | None, problem: Problem | None) -> HttpResponse:
    context: dict[str, object] = {"invitation": found, "problem": problem}
    if found is not None:
        context |= {
            "sign_in_url": _with_next("account_login", found),
            # Without a way back: who has made their account is in the team, or led here later.
            "sign_up_url": reverse("account_signup")
            if invitations.remembered(request) is not None
            else "",
            "closed": settings.SIGNUP == "closed",
        }
    status = 200 if problem is None else STATUS.get(problem, 410)
    return render(request, "studio/teams/invitation.html", context, status=status)


def _with_next(name: str, found: Invitation) -> str:
    here = reverse("invitation", args=[found.public_id])
    return f"{reverse(name)}?{urlencode({'next': here})}"
