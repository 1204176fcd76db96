"""Inviting people into a team, from its page."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from studio.common.translatable import translated
from studio.teams import invitations
from studio.teams.access import TeamRequest, team_page
from studio.teams.invitations import Made, NotInvited
from studio.teams.invite_forms import InviteForm
from studio.teams.people_page import people_page
from studio.teams.permissions import Permission
from studio.teams.step_up import confirm_first


@team_page(read=Permission.MANAGE_PEOPLE, write=Permission.MANAGE_PEOPLE)
@never_cache
@confirm_first
@require_POST
def invite(request: TeamRequest) -> HttpResponse:
    """Make invitations: with `how` “mail” they are sent, else their links are shown once."""
    by_mail = request.POST.get("how") == "mail" and settings.MAIL_SERVER
    form = InviteForm(request.POST, role=request.membership.role, by_mail=by_mail)
    if not form.is_valid():
        return people_page(request, invite=form, status=422)
    wishes = list(form.wishes.values())
    if by_mail:
        wishes = [wish for wish in wishes if _may_be_mailed(request, wish.email)]
    click = request.POST.get("click", "")[:40]
    try:
        with transaction.atomic():
            made = invitations.make(request.team, request.user, wishes, mailed=by_mail, click=click)
            if by_mail:
                for one in made:
                    _mail(request, one)
    except NotInvited as error:
        form.add_error(None, translated(error.sentence))
        return people_page(request, invite=form, status=422)
    if not by_mail and made:
        return people_page(request, made=made)
    if made:
        _say_sent(request, made)
    elif wishes:
        messages.info(
            request,
            _("These invitations are made already. Make a link anew to see it once more."),
        )
    return redirect("team", request.team.slug)


@team_page(read=Permission.MANAGE_PEOPLE, write=Permission.MANAGE_PEOPLE)
@never_cache
@confirm_first
@require_POST
def renew(request: TeamRequest, invitation: str) -> HttpResponse:
    """A new link, mailed or shown once; the one before ends."""
    _there(request, invitation)
    by_mail = request.POST.get("how") == "mail" and settings.MAIL_SERVER
    try:
        with transaction.atomic():
            made = invitations.renew(request.team, request.user, invitation, mailed=by_mail)
            if by_mail:
                if not _may_be_mailed(request, made.invitation.email):
                    transaction.set_rollback(True)
                    return redirect("team", request.team.slug)
                _mail(request, made)
    except NotInvited as error:
        messages.error(request, translated(error.sentence))
        return redirect("team", request.team.slug)
    if by_mail:
        _say_sent(request, [made])
        return redirect("team", request.team.slug)
    return people_page(request, made=[made])


@team_page(read=Permission.MANAGE_PEOPLE, write=Permission.MANAGE_PEOPLE)
@require_POST
def revoke(request: TeamRequest, invitation: str) -> HttpResponse:
    """Its link does not work any more."""
    _there(request, invitation)
    try:
        gone = invitations.revoke(request.team, request.user, invitation)
    except NotInvited as error:
        messages.error(request, translated(error.sentence))
    else:
        messages.success(
            request,
            _("The invitation for %(whom)s is taken back; its link does not work any more.")
            % {"whom": gone.whom or _("whoever has the link")},
        )
    return redirect("team", request.team.slug)


def _there(request: TeamRequest, public_id: str) -> None:
    """404 unless the team has, or had, this invitation."""
    if "\x00" in public_id or not request.team.invitations.filter(public_id=public_id).exists():
        raise Http404("No such invitation.")


def _may_be_mailed(request: TeamRequest, email: str) -> bool:
    """Whether one more mail may go to `email`, and from this team; says so when not."""
    free = ratelimit.consume(request, action="invitation_mail", key=email) and ratelimit.consume(
        request, action="team_mail", key=str(request.team.pk)
    )
    if not free:
        messages.error(
            request,
            _(
                "Nothing was sent to %(email)s: so many invitations went out in the last hour. The "
                "ones before still work; or make a link and hand it over yourself."
            )
            % {"email": email},
        )
    return bool(free)


def _mail(request: TeamRequest, made: Made) -> None:
    invitation = made.invitation
    get_adapter().written(
        "studio/teams/mail/invitation",
        invitation.email,
        {
            "by": request.user,
            "team": request.team,
            "role": invitation.get_role_display(),
            "ends": invitation.expires_at,
            "link": made.link,
        },
    ).send()


def _say_sent(request: TeamRequest, made: list[Made]) -> None:
    words = ngettext(
        "The invitation to %(whom)s is on its way. It works for seven days.",
        "The invitations to %(whom)s are on their way. They work for seven days.",
        len(made),
    )
    messages.success(request, words % {"whom": ", ".join(one.invitation.email for one in made)})
