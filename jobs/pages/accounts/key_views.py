"""Keys of a connection: added, tested, noted when they expire, retired. For who may manage
connections."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from jobs.accounts import endpoints, key_expiry, key_test
from jobs.accounts import keys as keyring
from jobs.models import ApiKey
from jobs.models.delete_guard import last_key
from jobs.pages.accounts.account_page import (
    account_of,
    account_page,
    key_of,
    managers,
    say_shared_account,
    to_account,
)
from jobs.pages.accounts.forms import ExpiryForm, KeyForm
from studio.common.translatable import phrase, translated
from studio.teams.access import TeamRequest
from studio.teams.step_up import confirm_first


@managers
@never_cache
@sensitive_post_parameters("secret")
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def new_key(request: TeamRequest, account: str) -> HttpResponse:
    found = account_of(request, account)
    if request.method != "POST":
        return to_account(request, found)
    form = KeyForm(request.POST, auto_id="key_%s", team=request.team)
    if form.is_valid():
        try:
            key = keyring.add_key(found, form.cleaned_data["secret"], request.user)
        except endpoints.KeyRefused as refused:
            form.add_error("secret", translated(refused.sentence))
        else:
            if form.cleaned_data["expires_on"] is not None:
                key_expiry.note(key, form.cleaned_data["expires_on"], request.user)
            if key.tested_at is None:
                messages.warning(
                    request,
                    translated(key_test.untested(phrase("%(url)s gave no answer.", url=found.url))),
                )
            else:
                messages.success(
                    request,
                    _("The key …%(last4)s works and is in use from now on.") % {"last4": key.last4},
                )
            say_shared_account(request, found)
            return to_account(request, found)
    return account_page(request, found, key_form=form)


@managers
@require_POST
def test_key(request: TeamRequest, account: str, key: int) -> HttpResponse:
    found = key_of(request, account, key)
    try:
        messages.success(request, translated(keyring.test_key(found)))
    except endpoints.KeyRefused as refused:
        messages.error(request, translated(refused.sentence))
    return to_account(request, found.account)


@managers
@never_cache
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def retire_key(request: TeamRequest, account: str, key: int) -> HttpResponse:
    """GET asks, POST does it."""
    found = key_of(request, account, key)
    if request.method == "POST":
        if found.active:
            _retire(request, found)
        return to_account(request, found.account)
    others = found.account.keys.filter(active=True).exclude(pk=found.pk).count()
    needed = last_key(found, found)
    page = {
        "nav": "accounts",
        "account": found.account,
        "key": found,
        "others": others,
        "needed": translated(needed) if needed is not None else "",
    }
    return render(
        request,
        "jobs/accounts/key_retire.html",
        page | {"overlap": keyring.overlap_ends(found.account)},
    )


def _retire(request: TeamRequest, key: ApiKey) -> None:
    try:
        keyring.retire(key)
    except endpoints.KeyRefused as refused:
        messages.error(request, translated(refused.sentence))
    else:
        words = _("The key …%(last4)s is retired and no longer used.")
        messages.success(request, words % {"last4": key.last4})


@managers
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def expiry(request: TeamRequest, account: str, key: int) -> HttpResponse:
    """The day on which a key expires, as far as people know. GET asks, POST notes it."""
    found = key_of(request, account, key)
    if not found.active:
        messages.error(request, _("This key is retired and no longer used."))
        return to_account(request, found.account)
    form = ExpiryForm(request.POST or None, initial={"expires_on": found.expires_on})
    if request.method == "POST" and form.is_valid():
        key_expiry.note(found, form.cleaned_data["expires_on"], request.user)
        messages.success(
            request, _("It is noted when …%(last4)s expires.") % {"last4": found.last4}
        )
        return to_account(request, found.account)
    page = {"nav": "accounts", "account": found.account, "key": found, "form": form}
    return render(request, "jobs/accounts/key_expiry.html", page)
