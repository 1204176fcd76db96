"""Model Studio connections of a team: the list, a new one, one, its move, its pause. For who may
manage connections; who may add one sees that page alone."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from jobs.accounts import account_setup, endpoints, key_expiry, pauses, trying
from jobs.common.errors import Refused
from jobs.models import Account, Lane, PauseState
from jobs.orders import connection_removal
from jobs.pages.accounts.account_page import (
    account_of,
    account_page,
    managers,
    say,
    shown,
    to_account,
)
from jobs.pages.accounts.forms import EditAccountForm, MoveForm, NewAccountForm, PauseForm
from jobs.pages.accounts.lanes import lane_of
from studio.common.translatable import translated
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission
from studio.teams.step_up import confirm_first

_adders = team_page(read=Permission.ADD_CONNECTIONS, write=Permission.ADD_CONNECTIONS)


@managers
@never_cache
def keys(request: TeamRequest) -> HttpResponse:
    return render(
        request, "jobs/accounts/keys.html", {"nav": "accounts", "accounts": shown(request)}
    )


@_adders
@never_cache
@sensitive_post_parameters("secret")
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def new_account(request: TeamRequest) -> HttpResponse:
    form = NewAccountForm(request.POST or None, team=request.team, by=request.user)
    first = not request.team.accounts(manager="present").exists()
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            account = account_setup.add_account(
                request.team,
                given["label"],
                given["region"],
                given["base_url"],
                given["secret"],
                request.user,
                form.model_names,
                given["workspace"],
            )
        except endpoints.KeyRefused as refused:
            form.add_error("secret", translated(refused.sentence))
        else:
            if given["expires_on"] is not None:
                key_expiry.note(account.keys.get(), given["expires_on"], request.user)
            say(request, account, account.health, account.health_text)
            # The board offers what it was added for; the page of one is not for who only adds.
            made_for = first and account.health == Account.Health.OK
            if made_for or not request.may.manage_connections:
                return redirect("jobs:board", request.team.slug)
            return redirect("jobs:account", request.team.slug, account.public_id)
    page = {"form": form, "first": first, "try_it": trying.offered(request.team)}
    return render(request, "jobs/accounts/account_new.html", {"nav": "accounts", **page})


@managers
@never_cache
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: TeamRequest, account: str) -> HttpResponse:
    found = account_of(request, account)
    form = EditAccountForm(request.POST or None, team=request.team, account=found, by=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("%(account)s is saved.") % {"account": found.label})
        return to_account(request, found)
    return account_page(request, found, form=form)


@managers
@never_cache
@sensitive_post_parameters("secret")
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: TeamRequest, account: str) -> HttpResponse:
    """Another region, address or sub-workspace, with a key for it."""
    found = account_of(request, account)
    form = MoveForm(request.POST or None, team=request.team, account=found, by=request.user)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        place = (given["region"], given["base_url"], given["workspace"])
        try:
            trial = account_setup.move_account(found, *place, given["secret"], request.user)
        except endpoints.KeyRefused as refused:
            form.add_error(None, translated(refused.sentence))
        else:
            say(request, found, trial.health, trial.sentence)
            return to_account(request, found)
    lost = found.templates.filter(forgotten=False).count()
    hindrance = account_setup.why_not_moved(found)
    page = {
        "nav": "accounts",
        "account": found,
        "form": form,
        "templates": lost,
        "hindrance": translated(hindrance) if hindrance is not None else "",
    }
    return render(request, "jobs/accounts/account_move.html", page)


@managers
@never_cache
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: TeamRequest, account: str) -> HttpResponse:
    """GET says what it means and what hinders it, POST does it."""
    found = account_of(request, account)
    status = 200
    if request.method == "POST":
        try:
            connection_removal.remove(found, request.user)
        except Refused:
            status = 409
        else:
            said = _("%(account)s is removed, and its keys are erased here.")
            messages.success(request, said % {"account": found.label})
            return redirect("jobs:keys", request.team.slug)
    page = {
        "nav": "accounts",
        "account": found,
        "hindrances": [translated(one) for one in connection_removal.hindrances(found)],
        "keys": found.keys.count(),
        "templates": connection_removal.templates_of(found),
    }
    return render(request, "jobs/accounts/account_remove.html", page, status=status)


@managers
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pause(request: TeamRequest, account: str) -> HttpResponse:
    """Pause, drain or open the account, or with `model` the lane of that model. GET asks, POST does
    it."""
    found = account_of(request, account)
    form = PauseForm(request.POST if request.method == "POST" else request.GET)
    target: Account | Lane | None = None
    if form.is_valid():
        target = lane_of(found, form.cleaned_data["model"]) if form.cleaned_data["model"] else found
    if target is None:
        messages.error(
            request,
            _(
                "The connection has no such queue, or it cannot be set like that. Choose one of "
                "the list."
            ),
        )
        return to_account(request, found)
    chosen = PauseState(form.cleaned_data["state"])
    if request.method == "POST":
        messages.success(request, translated(pauses.set_pause(target, chosen, request.user)))
        return to_account(request, found)
    name = (
        translated(pauses.name(target)) if isinstance(target, Lane) else target.label
    )  # which nobody translates
    page = {
        "nav": "accounts",
        "account": found,
        "model": form.cleaned_data["model"],
        "name": name,
        "state": chosen.value,
    }
    return render(
        request,
        "jobs/accounts/pause.html",
        page
        | {
            "now": translated(pauses.sentence(target)),
            "consequence": translated(pauses.consequence(target, chosen)),
        },
    )
