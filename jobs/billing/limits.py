"""Setting limits: under the team's lock, so that no order passes between the old one and the new
one, and noted with the time from which it counts."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from jobs.billing import ledger
from jobs.billing.prices import format_money
from jobs.models import Budget
from studio.audit.events import Event
from studio.audit.trail import record
from studio.common import clock
from studio.models.people import Team, User


@dataclass(frozen=True, slots=True)
class Setting:
    """What is set for somebody and a period: nothing (`is_set` False), that there is no limit
    (`micros` None), or an amount in millionths, of which 0 stops everything."""

    is_set: bool
    micros: int | None = None

    @classmethod
    def of(cls, row: Budget | None) -> Setting:
        return cls(False) if row is None else cls(True, row.micros)


NOT_SET = Setting(False)


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose limit: the team's, that of `member`, or that of each person without one of their
    own."""

    member: User | None = None
    of_each: bool = False


def settings_of(team: Team, whose: Whose) -> dict[str, Setting]:
    """What is set, by period."""
    rows = team.budgets.filter(member=whose.member, of_each=whose.of_each)
    found = {row.period: row for row in rows}
    return {str(period): Setting.of(found.get(period)) for period in Budget.Period}


def set_limits(team: Team, whose: Whose, wanted: dict[str, Setting], by: User) -> bool:
    """Make `wanted` (by period) what is set; whether anything changed. Counts from now on."""
    with transaction.atomic():
        team = ledger.lock(team)
        before = settings_of(team, whose)
        changed = {
            period: setting for period, setting in wanted.items() if before[period] != setting
        }
        for period, setting in changed.items():
            _set(team, whose, period, setting)
        if changed:
            record(
                Event.LIMIT_CHANGED if whose.member is None else Event.MEMBER_LIMIT_CHANGED,
                team=team,
                by=by,
                person=whose.member,
                about="" if whose.member else "each person" if whose.of_each else "the team",
                before={f"per_{period}": _told(team, before[period]) for period in changed},
                after={f"per_{period}": _told(team, changed[period]) for period in changed},
            )
    return bool(changed)


def _told(team: Team, setting: Setting) -> str:
    """A setting for the trail."""
    if not setting.is_set:
        return "not set"
    return "no limit" if setting.micros is None else format_money(setting.micros, team.currency, 6)


def _set(team: Team, whose: Whose, period: str, setting: Setting) -> None:
    now = clock.now()
    rows = Budget.objects.filter(
        team=team, member=whose.member, of_each=whose.of_each, period=period
    )
    if not setting.is_set:
        rows.delete()
        if whose.member is not None:
            # They have what each person has, from now on and not for what they ordered before.
            Budget.objects.filter(team=team, of_each=True, period=period).update(changed_at=now)
        return
    if not rows.update(micros=setting.micros, changed_at=now):
        Budget.objects.create(
            team=team,
            member=whose.member,
            of_each=whose.of_each,
            period=period,
            micros=setting.micros,
            changed_at=now,
        )


def set_approval(team: Team, micros: int | None, by: User) -> bool:
    """Clicks above `micros` need approval from now on (None: none does); whether anything
    changed."""
    with transaction.atomic():
        team = ledger.lock(team)
        before = team.approval_micros
        if before == micros:
            return False
        team.approval_micros = micros
        team.save(update_fields=["approval_micros"])
        record(
            Event.APPROVAL_AMOUNT_CHANGED,
            team=team,
            by=by,
            before={"above": _told_amount(team, before)},
            after={"above": _told_amount(team, micros)},
        )
    return True


def _told_amount(team: Team, micros: int | None) -> str:
    return "not set" if micros is None else format_money(micros, team.currency, 6)
