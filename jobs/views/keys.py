"""Accounts and keys of a team: for its admins and owners only."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Prefetch, Q
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from jobs import catalogue
from jobs import keys as keyring
from jobs.keyforms import EditAccountForm, KeyForm, NewAccountForm
from jobs.models import Account, ApiKey
from jobs.states import OUT, State
from studio.access import TeamRequest, team_page
from studio.models.people import Role

_admins = team_page(read=Role.ADMIN, write=Role.ADMIN)
# How the health of an account looks: the tone of its tag, and of its notice.
_FITS = {"ok": "yes", "untried": "warn", "key": "no", "arrears": "no", "quota": "no", "access": "no"}


@_admins
@never_cache
def keys(request: TeamRequest) -> HttpResponse:
    return render(request, "jobs/keys.html", {"nav": "accounts", "accounts": _shown(request)})


@_admins
@never_cache
@sensitive_post_parameters("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def new_account(request: TeamRequest) -> HttpResponse:
    form = NewAccountForm(request.POST or None, team=request.team)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            account = keyring.add_account(
                request.team, given["label"], given["region"], given["base_url"], given["secret"], request.user, form.model_names, given["workspace"]
            )
        except keyring.KeyRefused as refused:
            form.add_error("secret", str(refused))
        else:
            _say(request, account, account.health, account.health_text)
            return redirect("jobs:account", request.team.slug, account.public_id)
    return render(request, "jobs/account_new.html", {"nav": "accounts", "form": form})


@_admins
@never_cache
@sensitive_post_parameters("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: TeamRequest, account: str) -> HttpResponse:
    found = _account_of(request, account)
    form = EditAccountForm(request.POST or None, team=request.team, account=found)
    if request.method == "POST" and form.is_valid():
        if form.moves:
            given = form.cleaned_data
            try:
                trial = keyring.move_account(found, given["region"], given["base_url"], given["workspace"], given["secret"], request.user)
            except keyring.KeyRefused as refused:
                form.add_error("secret", str(refused))
                return _account_page(request, found, form=form)
            _say(request, found, trial.health, trial.sentence)
        form.save()
        messages.success(request, _("%(account)s is saved.") % {"account": found.label})
        return _to_account(request, found)
    return _account_page(request, found, form=form)


@_admins
@never_cache
@sensitive_post_parameters("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def new_key(request: TeamRequest, account: str) -> HttpResponse:
    found = _account_of(request, account)
    if request.method != "POST":
        return _to_account(request, found)
    form = KeyForm(request.POST, auto_id="key_%s")
    if form.is_valid():
        try:
            key = keyring.add_key(found, form.cleaned_data["secret"], request.user)
        except keyring.KeyRefused as refused:
            form.add_error("secret", str(refused))
        else:
            if key.tested_at is None:
                messages.warning(request, keyring.untested(_("%(url)s gave no answer.") % {"url": found.url}))
            else:
                messages.success(request, _("The key …%(last4)s works and is in use from now on.") % {"last4": key.last4})
            return _to_account(request, found)
    return _account_page(request, found, key_form=form)


@_admins
@require_POST
def test_key(request: TeamRequest, account: str, key: int) -> HttpResponse:
    found = _key_of(request, account, key)
    try:
        messages.success(request, keyring.test_key(found))
    except keyring.KeyRefused as refused:
        messages.error(request, str(refused))
    return _to_account(request, found.account)


@_admins
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def retire_key(request: TeamRequest, account: str, key: int) -> HttpResponse:
    """GET asks, POST does it."""
    found = _key_of(request, account, key)
    if request.method == "POST":
        if found.active:
            keyring.retire(found)
            messages.success(request, _("The key …%(last4)s is retired and no longer used.") % {"last4": found.last4})
        return _to_account(request, found.account)
    others = found.account.keys.filter(active=True).exclude(pk=found.pk).count()
    waiting = found.account.jobs.filter(state__in=[State.QUEUED, *OUT]).count()
    page = {"nav": "accounts", "account": found.account, "key": found, "others": others, "waiting": waiting}
    return render(request, "jobs/key_retire.html", page)


# ── rows of the team ────────────────────────────────────────────────────────────────────────────────────────────────


def _account_of(request: TeamRequest, public_id: str) -> Account:
    found = request.team.accounts.filter(public_id=public_id).first()
    if found is None:
        raise Http404("The team has no such account.")
    return found


def _key_of(request: TeamRequest, public_id: str, pk: int) -> ApiKey:
    found = _account_of(request, public_id).keys.filter(pk=pk).select_related("account").defer("secret").first()
    if found is None:
        raise Http404("The account has no such key.")
    return found


# ── what the pages show ─────────────────────────────────────────────────────────────────────────────────────────────


def _shown(request: TeamRequest, only: Account | None = None) -> list[dict[str, Any]]:
    """The team's accounts with keys (secrets are not even read), health in words and lanes."""
    accounts = request.team.accounts.prefetch_related(Prefetch("keys", keyring.without_secrets()))
    if only is not None:
        accounts = accounts.filter(pk=only.pk)
    lanes: dict[int, list[dict[str, Any]]] = {}
    out, waiting = Count("id", filter=Q(state__in=OUT)), Count("id", filter=Q(state=State.QUEUED))
    busy = request.team.jobs.filter(state__in=[State.QUEUED, *OUT]).order_by("model").values("account_id", "model")
    for row in busy.annotate(out=out, waiting=waiting):
        spec = catalogue.MODELS.get(row["model"])
        lanes.setdefault(row["account_id"], []).append(
            {
                "name": spec.label if spec else row["model"],
                "total": row["out"] + row["waiting"],
                "on": min(row["out"], 1),
                "next": max(row["out"] - 1, 0),
                "sentence": _("%(out)s at the service, %(waiting)s waiting") % row,
            }
        )
    now = timezone.now()
    shown = []
    for account in accounts:
        keys = list(account.keys.all())
        active = [key for key in keys if key.active]
        shown.append(
            {
                "account": account,
                "keys": active,
                "retired": [key for key in keys if not key.active],
                "used": max((key.pk for key in active), default=None),
                "fit": _FITS.get(account.health, "warn") if active else "no",
                "word": account.get_health_display() if active else _("no key"),
                "paused": account.paused_until if account.paused(now) else None,
                "lanes": lanes.get(account.pk, []),
            }
        )
    return shown


def _account_page(request: TeamRequest, account: Account, form: EditAccountForm | None = None, key_form: KeyForm | None = None) -> HttpResponse:
    form = form or EditAccountForm(team=request.team, account=account)
    page = {"nav": "accounts", "form": form, "key_form": key_form or KeyForm(auto_id="key_%s"), "it": _shown(request, account)[0]}
    return render(request, "jobs/account.html", page)


def _to_account(request: TeamRequest, account: Account) -> HttpResponseRedirect:
    return redirect("jobs:account", request.team.slug, account.public_id)


def _say(request: TeamRequest, account: Account, health: str, sentence: str) -> None:
    """What the test of a new key told, as a message."""
    if health == Account.Health.OK:
        messages.success(request, _("The key works. %(account)s can be used.") % {"account": account.label})
    elif health == Account.Health.UNTRIED:
        messages.warning(request, keyring.untested(sentence))
    else:
        messages.warning(request, _("The key is right and saved, but its account cannot be used yet. %(why)s") % {"why": sentence})
