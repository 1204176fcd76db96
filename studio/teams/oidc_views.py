"""To the OpenID Connect service and back: to sign in, to link an account of it, to show that it is
you, and out."""

from __future__ import annotations

import logging
from functools import wraps

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from studio.common.encryption import cipher
from studio.teams import oidc, oidc_accounts, step_up
from studio.teams.access import View, person_of, public, signed_in

log = logging.getLogger("footlight.oidc")


def with_service(view: View) -> View:
    """A view that is there where another service signs people in."""

    @wraps(view)
    def only_then(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if settings.OIDC is None:
            raise Http404("No other service signs people in here.")
        return view(request, *args, **kwargs)

    return only_then


@public
@never_cache
@require_POST
@with_service
def begin(request: HttpRequest) -> HttpResponse:
    """Leads to the service. Anybody may sign in; only who is signed in links or confirms."""
    purpose = request.POST.get("purpose", oidc.SIGN_IN)
    if purpose not in (oidc.SIGN_IN, oidc.LINK, oidc.CONFIRM):
        purpose = oidc.SIGN_IN
    if purpose != oidc.SIGN_IN and not request.user.is_authenticated:
        return redirect("account_login")
    if purpose == oidc.LINK and not step_up.is_confirmed(request):
        return step_up.to_page(reverse("security"))
    try:
        address = oidc.begin(request, purpose, _inside(request, request.POST.get("next", "")))
    except (oidc.Busy, oidc.Failed) as error:
        return _failed(request, error)
    return _leave(request, address)


@public
@never_cache
@require_safe
@with_service
def callback(request: HttpRequest) -> HttpResponseBase:
    """Where the service sends the browser back to."""
    if request.GET.get("error"):
        log.info("the service refused: %s", request.GET["error"][:80])
        name = {"service": oidc.configured().name}
        return _told(request, _("%(service)s did not sign you in. Nothing has changed.") % name)
    try:
        answer = oidc.finish(request)
        if answer.purpose == oidc.SIGN_IN:
            return _sign_in(request, answer)
        if not request.user.is_authenticated:
            raise oidc.NobodyAsked
        return _link(request, answer) if answer.purpose == oidc.LINK else _confirm(request, answer)
    except oidc.NobodyAsked:
        return _told(
            request,
            _(
                "This answer belongs to nothing that was asked from this browser, or it took more "
                "than ten minutes. Nothing has changed; begin again."
            ),
        )
    except oidc_accounts.NotLetIn as error:
        return _told(request, str(error))
    except (oidc.Busy, oidc.Failed) as error:
        return _failed(request, error)


@public
@never_cache
@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    """After signing out here: on to the service, to be signed out there too."""
    kept = request.session.pop(oidc.LEAVING, "")
    if not kept or settings.OIDC is None:
        return redirect("account_login")
    return _leave(request, cipher().decrypt(kept.encode()).decode())


@signed_in
@never_cache
@require_POST
@with_service
@step_up.confirm_first
def unlink(request: HttpRequest) -> HttpResponse:
    """The account of the service signs the person in no more; another way must be left."""
    user = person_of(request)
    ways = step_up.ways_of(user)
    if not (user.has_usable_password() or ways.passkey):
        messages.error(
            request,
            _("It is your only way in. Set a password or add a passkey first, then unlink it."),
        )
    elif oidc_accounts.unlink(user):
        messages.success(request, _("Unlinked. It signs you in no more."))
    return redirect("security")


def _sign_in(request: HttpRequest, answer: oidc.Answer) -> HttpResponseBase:
    user = oidc_accounts.person_of(request, answer)
    if request.user.is_authenticated:
        if request.user == user:
            return HttpResponseRedirect(answer.next_url or reverse("home"))
        get_adapter().logout(request)
    record_authentication(
        request, user, "socialaccount", provider=oidc.configured().provider, uid=answer.sub
    )
    response: HttpResponseBase = perform_login(
        request, Login(user=user, redirect_url=answer.next_url or None)
    )
    request.session[oidc.SESSION_KEY] = answer.sign_out
    return response


def _link(request: HttpRequest, answer: oidc.Answer) -> HttpResponse:
    oidc_accounts.link(person_of(request), answer)
    words = _("%(service)s signs you in from now on.") % {"service": oidc.configured().name}
    messages.success(request, words)
    return redirect("security")


def _confirm(request: HttpRequest, answer: oidc.Answer) -> HttpResponse:
    account = oidc_accounts.account_of(answer)
    if account is None or account.user_id != request.user.pk:
        raise oidc_accounts.NotLetIn(
            _("%(service)s recognised somebody else, or an account that is not linked to yours.")
            % {"service": oidc.configured().name}
        )
    record_authentication(
        request,
        person_of(request),
        "socialaccount",
        reauthenticated=True,
        provider=account.provider,
        uid=account.uid,
    )
    if answer.next_url:
        return HttpResponseRedirect(answer.next_url)
    return render(request, "studio/teams/oidc_confirmed.html", {"service": oidc.configured().name})


def _inside(request: HttpRequest, path: str) -> str:
    ours = url_has_allowed_host_and_scheme(path, {request.get_host()}, request.is_secure())
    return path if ours else ""


def _leave(request: HttpRequest, address: str) -> HttpResponse:
    """A page that leads away by itself: the page policy lets no form post end elsewhere."""
    words = {"address": address, "service": oidc.configured().name}
    return render(request, "studio/teams/oidc_leave.html", words)


def _told(request: HttpRequest, sentence: str, status: int = 403) -> HttpResponse:
    words = {"sentence": sentence, "service": oidc.configured().name}
    return render(request, "studio/teams/oidc_refused.html", words, status=status)


def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    log.warning("the sign-in service cannot be used: %s", error)
    name = {"service": oidc.configured().name}
    if isinstance(error, oidc.Busy):
        words = _("%(service)s is slow now, and others wait for it too. Try again in a moment.")
    else:
        words = _(
            "%(service)s cannot be reached, or its answer cannot be believed. Nothing has changed. "
            "Try again, or sign in another way; whoever runs this site finds the reason in its log."
        )
    return _told(request, words % name, status=503)
