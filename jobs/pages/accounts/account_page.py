"""What the pages of connections and keys have in common: the rows of the team, what is shown of
them, and what is said after a test."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.accounts import key_test, pauses, shared_accounts
from jobs.accounts import keys as keyring
from jobs.common.states import State
from jobs.models import Account, ApiKey, PauseState
from jobs.pages.accounts.forms import EditAccountForm, KeyForm
from jobs.pages.accounts.key_rows import key_rows
from jobs.pages.accounts.lanes import lane_rows
from studio.common.translatable import Sentence, translated
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission

managers = team_page(read=Permission.MANAGE_CONNECTIONS, write=Permission.MANAGE_CONNECTIONS)
# How the health of an account looks: the tone of its tag, and of its notice.
_TONES = {"ok": "yes", "untried": "warn", "throttled": "warn"}


def account_of(request: TeamRequest, public_id: str) -> Account:
    found = request.team.accounts(manager="present").filter(public_id=public_id).first()
    if found is None:
        raise Http404("The team has no such connection.")
    return found


def key_of(request: TeamRequest, public_id: str, pk: int) -> ApiKey:
    found = (
        account_of(request, public_id)
        .keys.filter(pk=pk)
        .select_related("account")
        .defer("secret")
        .first()
    )
    if found is None:
        raise Http404("The connection has no such key.")
    return found


def shown(request: TeamRequest, only: Account | None = None) -> list[dict[str, Any]]:
    """The team's accounts with keys (secrets are not even read), health in words and lanes."""
    accounts = (
        request.team.accounts(manager="present")
        .select_related("pause_set_by", "same_as")
        .prefetch_related(Prefetch("keys", keyring.without_secrets()), "people__user")
    )
    if only is not None:
        accounts = accounts.filter(pk=only.pk)
    lanes = lane_rows(request.team, accounts)
    keys_of = key_rows(request.team, accounts)
    now = timezone.now()
    shown = []
    for account in accounts:
        keys = keys_of[account.pk]
        active = [row for row in keys if row.key.active]
        rows = lanes.get(account.pk, [])
        tone, word = _health(account, bool(active), sum(row.troubled for row in rows))
        shown.append(
            {
                "account": account,
                "keys": active,
                "retired": [row for row in keys if not row.key.active],
                "expiries": [row.expiry for row in active if row.expiry],
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
                "waiting": _waiting(account) if only is not None else 0,
                "people": [one.user for one in account.people.all()]
                if account.named_only
                else None,
            }
        )
    return shown


def _waiting(account: Account) -> int:
    """Jobs of `account` that will be sent with what it has then."""
    return account.jobs.filter(state=State.QUEUED).count()


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


def account_page(
    request: TeamRequest,
    account: Account,
    form: EditAccountForm | None = None,
    key_form: KeyForm | None = None,
) -> HttpResponse:
    form = form or EditAccountForm(team=request.team, account=account, by=request.user)
    page = {
        "nav": "accounts",
        "form": form,
        "key_form": key_form or KeyForm(auto_id="key_%s", team=request.team),
        "it": shown(request, account)[0],
    }
    return render(request, "jobs/accounts/account.html", page)


def to_account(request: TeamRequest, account: Account) -> HttpResponseRedirect:
    return redirect("jobs:account", request.team.slug, account.public_id)


def say_shared_account(request: TeamRequest, account: Account) -> None:
    """That the key turned out to be of an Alibaba account that is here already, as a message."""
    if said := shared_accounts.sentence(account):
        messages.warning(request, translated(said))


def say(request: TeamRequest, account: Account, health: str, sentence: Sentence) -> None:
    """What the test of a new key told, as messages."""
    say_shared_account(request, account)
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
