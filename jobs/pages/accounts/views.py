"""Accounts and keys of a team: for its admins and owners only."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from jobs.accounts import account_setup, endpoints, key_test, pauses, shared_accounts
from jobs.accounts import keys as keyring
from jobs.common.states import State
from jobs.models import Account, ApiKey, Lane, PauseState
from jobs.models.delete_guard import last_key
from jobs.pages.accounts.forms import EditAccountForm, KeyForm, NewAccountForm, PauseForm
from jobs.pages.accounts.lanes import lane_of, lane_rows
from studio.common.translatable import Sentence, phrase, translated
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission
from studio.teams.step_up import confirm_first

_managers = team_page(read=Permission.MANAGE_CONNECTIONS, write=Permission.MANAGE_CONNECTIONS)
_adders = team_page(read=Permission.ADD_CONNECTIONS, write=Permission.ADD_CONNECTIONS)
# How the health of an account looks: the tone of its tag, and of its notice.
_TONES = {"ok": "yes", "untried": "warn", "throttled": "warn"}


@_managers
@never_cache
def keys(request: TeamRequest) -> HttpResponse:
    return render(
        request, "jobs/accounts/keys.html", {"nav": "accounts", "accounts": _shown(request)}
    )


@_adders
@never_cache
@sensitive_post_parameters("secret")
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def new_account(request: TeamRequest) -> HttpResponse:
    form = NewAccountForm(request.POST or None, team=request.team, by=request.user)
    first = not request.team.accounts.exists()
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
            _say(request, account, account.health, account.health_text)
            # The board offers what it was added for; the page of one is not for who only adds.
            made_for = first and account.health == Account.Health.OK
            if made_for or not request.may.manage_connections:
                return redirect("jobs:board", request.team.slug)
            return redirect("jobs:account", request.team.slug, account.public_id)
    return render(
        request, "jobs/accounts/account_new.html", {"nav": "accounts", "form": form, "first": first}
    )


@_managers
@never_cache
@sensitive_post_parameters("secret")
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: TeamRequest, account: str) -> HttpResponse:
    found = _account_of(request, account)
    form = EditAccountForm(request.POST or None, team=request.team, account=found, by=request.user)
    if request.method == "POST" and form.is_valid():
        if form.moves:
            given = form.cleaned_data
            try:
                trial = account_setup.move_account(
                    found,
                    given["region"],
                    given["base_url"],
                    given["workspace"],
                    given["secret"],
                    request.user,
                )
            except endpoints.KeyRefused as refused:
                form.add_error("secret", translated(refused.sentence))
                return _account_page(request, found, form=form)
            _say(request, found, trial.health, trial.sentence)
        form.save()
        messages.success(request, _("%(account)s is saved.") % {"account": found.label})
        return _to_account(request, found)
    return _account_page(request, found, form=form)


@_managers
@never_cache
@sensitive_post_parameters("secret")
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def new_key(request: TeamRequest, account: str) -> HttpResponse:
    found = _account_of(request, account)
    if request.method != "POST":
        return _to_account(request, found)
    form = KeyForm(request.POST, auto_id="key_%s")
    if form.is_valid():
        try:
            key = keyring.add_key(found, form.cleaned_data["secret"], request.user)
        except endpoints.KeyRefused as refused:
            form.add_error("secret", translated(refused.sentence))
        else:
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
            _say_twin(request, found)
            return _to_account(request, found)
    return _account_page(request, found, key_form=form)


@_managers
@require_POST
def test_key(request: TeamRequest, account: str, key: int) -> HttpResponse:
    found = _key_of(request, account, key)
    try:
        messages.success(request, translated(keyring.test_key(found)))
    except endpoints.KeyRefused as refused:
        messages.error(request, translated(refused.sentence))
    return _to_account(request, found.account)


@_managers
@never_cache
@confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def retire_key(request: TeamRequest, account: str, key: int) -> HttpResponse:
    """GET asks, POST does it."""
    found = _key_of(request, account, key)
    if request.method == "POST":
        if found.active:
            _retire(request, found)
        return _to_account(request, found.account)
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


@_managers
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pause(request: TeamRequest, account: str) -> HttpResponse:
    """Pause, drain or open the account, or with `model` the lane of that model. GET asks, POST does
    it."""
    found = _account_of(request, account)
    form = PauseForm(request.POST if request.method == "POST" else request.GET)
    target: Account | Lane | None = None
    if form.is_valid():
        target = lane_of(found, form.cleaned_data["model"]) if form.cleaned_data["model"] else found
    if target is None:
        messages.error(
            request,
            _(
                "The connection has no such lane, or it cannot be set like that. Choose one of the "
                "list."
            ),
        )
        return _to_account(request, found)
    chosen = PauseState(form.cleaned_data["state"])
    if request.method == "POST":
        messages.success(request, translated(pauses.set_pause(target, chosen, request.user)))
        return _to_account(request, found)
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


# ── rows of the team ──────────────────────────────────────────────────────────────────────────────


def _account_of(request: TeamRequest, public_id: str) -> Account:
    found = request.team.accounts.filter(public_id=public_id).first()
    if found is None:
        raise Http404("The team has no such connection.")
    return found


def _key_of(request: TeamRequest, public_id: str, pk: int) -> ApiKey:
    found = (
        _account_of(request, public_id)
        .keys.filter(pk=pk)
        .select_related("account")
        .defer("secret")
        .first()
    )
    if found is None:
        raise Http404("The connection has no such key.")
    return found


# ── what the pages show ───────────────────────────────────────────────────────────────────────────


def _shown(request: TeamRequest, only: Account | None = None) -> list[dict[str, Any]]:
    """The team's accounts with keys (secrets are not even read), health in words and lanes."""
    accounts = request.team.accounts.select_related("pause_set_by", "same_as").prefetch_related(
        Prefetch("keys", keyring.without_secrets())
    )
    if only is not None:
        accounts = accounts.filter(pk=only.pk)
    lanes = lane_rows(request.team, accounts)
    now = timezone.now()
    shown = []
    for account in accounts:
        keys = list(account.keys.all())
        active = [key for key in keys if key.active]
        rows = lanes.get(account.pk, [])
        tone, word = _health(account, bool(active), sum(row.troubled for row in rows))
        shown.append(
            {
                "account": account,
                "keys": active,
                "retired": [key for key in keys if not key.active],
                "used": max((key.pk for key in active), default=None),
                "tone": tone,
                "word": word,
                "paused": account.paused_until if account.paused(now) else None,
                "lanes": rows,
                "busy": [row for row in rows if row.total],
                "closed": translated(pauses.sentence(account)),
                "closed_means": translated(pauses.consequence(account, account.pause_state))
                if account.pause_state != PauseState.OPEN
                else "",
                "twin": translated(shared_accounts.sentence(account)),
                "overlap": keyring.overlap_ends(account) if len(active) > 1 else None,
                "in_doubt": _in_doubt(account) if only is not None else 0,
            }
        )
    return shown


def _in_doubt(account: Account) -> int:
    """Jobs of `account` whose task is looked for with what they were sent with."""
    lanes = {account.pk, account.root_id}
    jobs = account.jobs.filter(
        lane__account_id__in=lanes, state__in=(State.SUBMITTING, State.UNCERTAIN)
    )
    return jobs.order_by().count()


def _health(account: Account, has_key: bool, troubled: int) -> tuple[str, str]:
    """The tone and the word of the account's tag."""
    if not has_key:
        return "no", _("no key")
    if account.pause_state != PauseState.OPEN:
        return "warn", account.get_pause_state_display()
    if account.health == Account.Health.OK and troubled:
        return "warn", ngettext(
            "works, but not with %(n)s model", "works, but not with %(n)s models", troubled
        ) % {"n": troubled}
    return _TONES.get(account.health, "no"), account.get_health_display()


def _account_page(
    request: TeamRequest,
    account: Account,
    form: EditAccountForm | None = None,
    key_form: KeyForm | None = None,
) -> HttpResponse:
    form = form or EditAccountForm(team=request.team, account=account, by=request.user)
    page = {
        "nav": "accounts",
        "form": form,
        "key_form": key_form or KeyForm(auto_id="key_%s"),
        "it": _shown(request, account)[0],
    }
    return render(request, "jobs/accounts/account.html", page)


def _to_account(request: TeamRequest, account: Account) -> HttpResponseRedirect:
    return redirect("jobs:account", request.team.slug, account.public_id)


def _say_twin(request: TeamRequest, account: Account) -> None:
    """That the key turned out to be of an Alibaba account that is here already, as a message."""
    if said := shared_accounts.sentence(account):
        messages.warning(request, translated(said))


def _say(request: TeamRequest, account: Account, health: str, sentence: Sentence) -> None:
    """What the test of a new key told, as messages."""
    _say_twin(request, account)
    if health == Account.Health.OK:
        messages.success(
            request, _("The key works. %(account)s can be used.") % {"account": account.label}
        )
    elif health == Account.Health.UNTRIED:
        messages.warning(request, translated(key_test.untested(sentence)))
    else:
        messages.warning(
            request,
            _("The key is right and saved, but its Alibaba account cannot be used yet. %(why)s")
            % {"why": translated(sentence)},
        )
