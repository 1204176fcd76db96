"""The account that a draft is made on, and the others that could be chosen for it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.accounts import choice
from jobs.models import Account
from jobs.pages.create.draft import Draft


@dataclass(frozen=True, slots=True)
class AccountOption:
    """An account of the team; `unusable` says why it cannot be chosen, "" when it can."""

    account: Account
    unusable: str


@dataclass(frozen=True, slots=True)
class AccountPanel:
    """`chosen`: where the draft is made, None without an account with a key. `options` are of two
    or more: a single account is no choice."""

    chosen: Account | None
    options: list[AccountOption]


def account_of(draft: Draft) -> Account | None:
    """The template's own account, else the chosen one, else the first usable."""
    if draft.template is not None:
        return draft.template.account
    return draft.account or choice.account_for(draft.team, draft.person, draft.spec.name)


def region_of(account: Account | None) -> str:
    """Where the account lives, which may decide a price; "" without one."""
    return account.region if account is not None else ""


def account_panel(draft: Draft, chosen: Account | None) -> AccountPanel:
    """`chosen` is the `account_of` the draft."""
    return AccountPanel(chosen, _options(draft))


def _options(draft: Draft) -> list[AccountOption]:
    found = list(draft.team.accounts(manager="present").all())
    if len(found) < 2:
        return []
    usable = choice.accounts_for(draft.team, draft.person)
    return [AccountOption(one, _unusable(draft, one, one in usable)) for one in found]


def _unusable(draft: Draft, account: Account, usable: bool) -> str:
    if not account.serves(draft.spec):
        return _("not offered in %(region)s") % {"region": account.get_region_display()}
    if usable:
        return ""
    return _("has no key") if choice.keyless(account) else _("only for named people")
