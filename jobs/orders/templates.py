"""The team's dance templates with how often each was danced, what it cost, and where it can be made
again.

A template belongs to the account that made it; the service knows it nowhere else, and may forget it
(`Template.forgotten`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Max, Sum
from django.utils.functional import cached_property

from jobs.accounts import choice
from jobs.billing import prices
from jobs.catalogue import entries as catalogue
from jobs.common.states import State
from jobs.models import Account, Job, Price, Template
from studio.models.asset import Asset
from studio.models.people import Team, User

IN_VAIN = (State.FAILED, State.CANCELED)


@dataclass(frozen=True, slots=True)
class Remake:
    """Making the template again from its video on `account`. `price` "" when the price table has
    none."""

    account: Account
    price: str
    same: bool  # on the account that it belongs to


@dataclass(frozen=True, slots=True)
class TemplateSummary:
    """`paid` is what making it cost, in micros; None where that is not known. `replaced`:
    forgotten, and made again since on the same account. `remakes`: its own account first."""

    template: Template
    team: Team
    uses: int
    last_use: datetime | None
    paid: int | None
    remakes: list[Remake]
    replaced: bool


def summaries(
    team: Team, rows: Sequence[Template], reader: User | None = None
) -> list[TemplateSummary]:
    """`rows` of `team` (with account and asset) as summaries, in their order, as `reader` may make
    them again. A few statements however many there are."""
    makers = {row.model for row in rows}
    used, paid = _uses_and_costs(team, rows, makers)
    videos = {row.video.sha256 for row in rows if row.video is not None}
    known = set(
        team.templates.filter(forgotten=False, asset__sha256__in=videos).values_list(
            "model", "asset__sha256", "account_id"
        )
    )
    pricing = {
        name: RemakePrices(team, catalogue.MODELS[name], reader)
        for name in makers
        if name in catalogue.MODELS
    }
    found = []
    for row in rows:
        n, last = used.get(row.pk, (0, None))
        has = {
            pk
            for model, sha256, pk in known
            if row.video is not None and (model, sha256) == (row.model, row.video.sha256)
        }
        remakes = pricing[row.model].remakes(row, has) if row.model in pricing else []
        found.append(
            TemplateSummary(
                row,
                team,
                n,
                last,
                paid.get(row.pk),
                remakes,
                row.forgotten and row.account_id in has,
            )
        )
    return found


def _uses_and_costs(
    team: Team, rows: Sequence[Template], makers: set[str]
) -> tuple[dict[int, tuple[int, datetime | None]], dict[int, int]]:
    """By template: how often it was danced and when last; what making it cost."""
    dances = Job.objects.filter(team=team, template__in=rows)
    uses = (
        dances.exclude(model__in=makers)
        .exclude(state__in=IN_VAIN)
        .order_by()
        .values("template")
        .annotate(n=Count("pk"), last=Max("created_at"))
    )
    used = {pk: (n, last) for pk, n, last in uses.values_list("template_id", "n", "last")}
    sums = (
        dances.filter(model__in=makers, settled_micros__isnull=False)
        .order_by()
        .values("template")
        .annotate(paid=Sum("settled_micros"))
    )
    return used, dict(sums.values_list("template_id", "paid"))


class RemakePrices:
    """Where `person` can have a template of `spec` made, and for how much. Prices and accounts are
    asked for once."""

    def __init__(self, team: Team, spec: catalogue.Model, person: User | None = None) -> None:
        self.team, self.spec, self.person = team, spec, person
        self.prices: dict[str, Price | None] = {}

    @cached_property
    def accounts(self) -> list[Account]:
        """Those that could make it now or later: with a key, and in a region that has the model."""
        return [
            account
            for account in choice.accounts_for(self.team, self.person)
            if account.serves(self.spec)
        ]

    def price(self, video: Asset, account: Account) -> str:
        """What a template of `video` costs on `account` now; "" when there is no price."""
        region = account.region
        if region not in self.prices:
            try:
                self.prices[region] = prices.price_of(
                    self.spec.name, self.spec.variant_of({}), self.team.currency, region
                )
            except prices.NoPrice:
                self.prices[region] = None
        price = self.prices[region]
        return (
            prices.format_money(
                prices.amount(price, Decimal(video.milliseconds) / 1000), price.currency
            )
            if price is not None
            else ""
        )

    def remakes(self, row: Template, has: set[int]) -> list[Remake]:
        """Every account that has no template of this video (`has`: ids of those that do): its own
        first, and no Alibaba account twice."""
        video = row.video
        if video is None:
            return []
        roots = {account.root_id for account in self.accounts if account.pk in has}
        found = []
        for account in sorted(self.accounts, key=lambda account: account.pk != row.account_id):
            if account.root_id not in roots:
                roots.add(account.root_id)
                found.append(
                    Remake(
                        account,
                        self.price(video, account),
                        account.pk == row.account_id,
                    )
                )
        return found


def made_of(team: Team, model: str, video: Asset, person: User | None) -> list[Template]:
    """What the team has made of this very content on accounts that still have a key and that
    `person` may use, those that the service knows first."""
    found = team.templates.filter(
        model=model,
        asset__sha256=video.sha256,
        account__in=choice.usable(team, person).filter(keys__active=True),
    )
    return list(found.select_related("account", "asset").order_by("forgotten", "-id"))
