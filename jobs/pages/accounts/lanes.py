"""What the accounts pages show of lanes: how each is, who closed it, what waits, when it is tried
again, how fast it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from jobs.accounts import pauses
from jobs.catalogue import entries
from jobs.common.states import OUT, State
from jobs.models import Account, Lane, PauseState, WorkTime
from studio.common.translatable import phrase, translated
from studio.models.people import Team

_TONES = {Account.Health.OK: "yes", Account.Health.THROTTLED: "warn", Account.Health.GONE: "warn"}


@dataclass
class LaneRow:
    """One lane as people of one account see it; `waiting` and `out` count their account's jobs
    only."""

    lane: Lane
    label: str
    tone: str
    word: str
    why: str
    tried_at: datetime | None
    waiting: int
    out: int
    ours: bool  # of this team, so its owners and admins may close and open it
    speeds: list[tuple[str, float]] = field(
        default_factory=list
    )  # variant, seconds of work per second of video

    @property
    def troubled(self) -> bool:
        return self.lane.health not in (
            Account.Health.OK,
            Account.Health.UNTRIED,
            Account.Health.THROTTLED,
        )

    @property
    def total(self) -> int:
        return self.out + self.waiting

    @property
    def on(self) -> int:
        return min(self.out, 1)

    @property
    def next(self) -> int:
        return max(self.out - 1, 0)

    @property
    def sentence(self) -> str:
        return _("%(out)s at the service, %(waiting)s waiting") % {
            "out": self.out,
            "waiting": self.waiting,
        }


def lane_rows(team: Team, accounts: Iterable[Account]) -> dict[int, list[LaneRow]]:
    """Account id → its lanes, in the catalogue's order. An account that shares the lanes of another
    shows those; of another team's only the ones that it uses."""
    accounts = list(accounts)
    roots = {account.root_id for account in accounts}
    lanes = list(
        Lane.objects.filter(
            account_id__in=roots | {account.pk for account in accounts}
        ).select_related("account", "pause_set_by")
    )
    counts = _counts(team, lanes)
    speeds = _speeds(accounts)
    order = {name: place for place, name in enumerate(entries.MODELS)}
    found: dict[int, list[LaneRow]] = {}
    for account in accounts:
        own = {lane.model for lane in lanes if lane.account_id == account.pk}
        rows = []
        for lane in lanes:
            ours = lane.account.team_id == team.pk
            out, waiting = counts.get((account.pk, lane.pk), (0, 0))
            # A lane of its own that the account left shows as long as something is in it.
            seen = lane.account_id == account.root_id and (
                ours or out or waiting or lane.model in own
            )
            if seen or (lane.account_id == account.pk and (out or waiting)):
                rows.append(
                    _row(
                        team,
                        account,
                        lane,
                        ours,
                        out,
                        waiting,
                        speeds.get((_host(account), lane.model), []),
                    )
                )
        found[account.pk] = sorted(rows, key=lambda row: order.get(row.lane.model, len(order)))
    return found


def lane_of(account: Account, model: str) -> Lane | None:
    """The lane of `model` that jobs of `account` wait in, when it is of the account's own team;
    None otherwise."""
    return (
        Lane.objects.filter(
            account_id=account.root_id, account__team_id=account.team_id, model=model
        )
        .select_related("account", "pause_set_by")
        .first()
    )


def _row(
    team: Team,
    account: Account,
    lane: Lane,
    ours: bool,
    out: int,
    waiting: int,
    speeds: list[tuple[str, float]],
) -> LaneRow:
    spec = entries.MODELS.get(lane.model)
    paused = lane.paused()
    if lane.pause_state != PauseState.OPEN:
        tone, word, why = (
            "warn",
            lane.get_pause_state_display(),
            translated(phrase("%(what)s.", what=pauses.sentence(lane, team))),
        )
    elif lane.health in (Account.Health.OK, Account.Health.UNTRIED):
        tone, word, why = ("yes", _("open"), "")
    else:
        tone, word, why = (
            _TONES.get(Account.Health(lane.health), "no"),
            lane.get_health_display(),
            translated(lane.paused_text),
        )
    tried_at = lane.paused_until if paused else None
    return LaneRow(
        lane,
        translated(spec.label) if spec else lane.model,
        tone,
        word,
        why,
        tried_at,
        waiting,
        out,
        ours,
        speeds,
    )


def _counts(team: Team, lanes: list[Lane]) -> dict[tuple[int, int], tuple[int, int]]:
    """(account, lane) → jobs of the team at the service, and waiting."""
    out, waiting = Count("id", filter=Q(state__in=OUT)), Count("id", filter=Q(state=State.QUEUED))
    busy = team.jobs.filter(
        lane_id__in=[lane.pk for lane in lanes], state__in=[State.QUEUED, *OUT]
    ).order_by()
    rows = busy.values("account_id", "lane_id").annotate(out=out, waiting=waiting)
    return {(row["account_id"], row["lane_id"]): (row["out"], row["waiting"]) for row in rows}


def _speeds(accounts: list[Account]) -> dict[tuple[str, str], list[tuple[str, float]]]:
    """(host, model) → what was learned of it per variant."""
    found: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for row in WorkTime.objects.filter(service__in={_host(account) for account in accounts}):
        found.setdefault((row.service, row.model), []).append((row.variant, row.median))
    return found


def _host(account: Account) -> str:
    return urlsplit(account.url).netloc
