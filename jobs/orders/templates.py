"""The team's dance templates with what people ask of them: how often each was danced, what it cost,
and where it can be had again.

A template belongs to the account that made it; the service knows it nowhere else, and may forget it
(`Template.forgotten`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlencode

from django.db.models import Count, Max, Sum
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from jobs.accounts import choice
from jobs.billing import prices
from jobs.catalogue import entries as catalogue
from jobs.catalogue.create_pages import dance_of, page_of
from jobs.common.states import State
from jobs.models import Account, Job, Price, Template
from studio.models.asset import Asset
from studio.models.people import Team

PLAYED = ("mp4", "mov")  # what a browser shows in a loop; of anything else there is the picture
IN_VAIN = (State.FAILED, State.CANCELED)


@dataclass(frozen=True, slots=True)
class Remake:
    """Making the template again from its video on `account`. `price` "" when the price table has
    none."""

    account: Account
    url: str
    price: str
    same: bool  # on the account that it belongs to

    @property
    def label(self) -> str:
        words = (
            _("Make it again")
            if self.same
            else _("Make it on %(account)s too") % {"account": self.account.label}
        )
        return f"{words} — {self.price}" if self.price else words


@dataclass
class Entry:
    """A template as a card shows it. `paid` is what making it cost, in micros; None where that is
    not known."""

    template: Template
    team: Team
    uses: int = 0
    last_use: datetime | None = None
    paid: int | None = None
    remakes: list[Remake] = field(default_factory=list)
    replaced: bool = False  # forgotten, and made again since on the same account

    @property
    def url(self) -> str:
        return reverse("jobs:template_detail", args=[self.team.slug, self.template.public_id])

    @property
    def use_url(self) -> str:
        """The dance page with the template chosen; "" when nothing dances it, or the service has
        forgotten it."""
        model = (
            dance_of(catalogue.get(self.template.model))
            if self.template.model in catalogue.MODELS
            else None
        )
        if model is None or self.template.forgotten:
            return ""
        query = {"model": model.name, "template": self.template.public_id}
        return reverse(f"jobs:{page_of(model)}", args=[self.team.slug]) + "?" + urlencode(query)

    def _file(self, what: str) -> str:
        asset = self.template.asset
        return (
            reverse("asset_file", args=[self.team.slug, asset.public_id, what])
            if asset is not None
            else ""
        )

    @property
    def poster_url(self) -> str:
        return (
            self._file("thumb")
            if self.template.asset is not None and self.template.asset.thumb
            else ""
        )

    @property
    def loop_url(self) -> str:
        """The video that the moves are from; "" when it is not here, or no browser plays it."""
        return (
            self._file("original")
            if self.template.asset is not None and self.template.asset.format in PLAYED
            else ""
        )

    @property
    def used(self) -> str:
        words = {0: _("not used yet"), 1: _("used once")}
        return words.get(self.uses) or _("used %(n)s times") % {"n": self.uses}

    @property
    def cost(self) -> str:
        """“$0.1170 paid once, $0.0293 a use after 4”; "" when it is not known what was paid."""
        if self.paid is None:
            return ""
        once = {"paid": prices.format_money(self.paid, self.team.currency)}
        if not self.uses:
            return _("%(paid)s paid once") % once
        each = prices.format_money(round(self.paid / self.uses), self.team.currency)
        return _("%(paid)s paid once, %(each)s a use after %(n)s") % {
            **once,
            "each": each,
            "n": self.uses,
        }

    @property
    def again(self) -> Remake | None:
        """On its own account, when the service has forgotten it there."""
        return next((remake for remake in self.remakes if remake.same), None)

    @property
    def anew(self) -> Remake | None:
        """Where one that the service has forgotten is made again: its own account, else another;
        None when that is not needed or cannot be."""
        if not self.template.forgotten or self.replaced or not self.remakes:
            return None
        return self.remakes[0]

    @property
    def elsewhere(self) -> list[Remake]:
        """On other accounts of the team that do not have it yet."""
        return [remake for remake in self.remakes if not remake.same]


def entries(team: Team, rows: Sequence[Template]) -> list[Entry]:
    """`rows` of `team` (with account and asset) as entries, in their order. A few statements
    however many there are."""
    dances = Job.objects.filter(team=team, template__in=rows)
    makers = {row.model for row in rows}
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
    paid = dict(sums.values_list("template_id", "paid"))
    videos = {row.asset.sha256 for row in rows if row.asset is not None}
    known = set(
        team.templates.filter(forgotten=False, asset__sha256__in=videos).values_list(
            "model", "asset__sha256", "account_id"
        )
    )
    tills = {
        name: Till(team, catalogue.MODELS[name]) for name in makers if name in catalogue.MODELS
    }
    found = []
    for row in rows:
        n, last = used.get(row.pk, (0, None))
        has = {
            pk
            for model, sha256, pk in known
            if row.asset is not None and (model, sha256) == (row.model, row.asset.sha256)
        }
        remakes = tills[row.model].remakes(row, has) if row.model in tills else []
        found.append(
            Entry(
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


class Till:
    """Where the team can have a template of `spec` made, and for how much. Prices and accounts are
    asked for once."""

    def __init__(self, team: Team, spec: catalogue.Model) -> None:
        self.team, self.spec = team, spec
        self.prices: dict[str, Price | None] = {}

    @cached_property
    def accounts(self) -> list[Account]:
        """Those that could make it now or later: with a key, and in a region that has the model."""
        return [
            account for account in choice.accounts_with_key(self.team) if account.serves(self.spec)
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

    def url(self, video: Asset, account: Account) -> str:
        """The create page of the template model, with the video and the account in it."""
        query = {
            "model": self.spec.name,
            self.spec.inputs_of("video")[0].name: video.public_id,
            "account": account.public_id,
        }
        return reverse(f"jobs:{page_of(self.spec)}", args=[self.team.slug]) + "?" + urlencode(query)

    def remakes(self, row: Template, has: set[int]) -> list[Remake]:
        """Every account that has no template of this video (`has`: ids of those that do): its own
        first, and no Alibaba account twice."""
        video = row.asset
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
                        self.url(video, account),
                        self.price(video, account),
                        account.pk == row.account_id,
                    )
                )
        return found


def made_of(team: Team, model: str, video: Asset) -> list[Template]:
    """What the team has made of this very content on accounts that still have a key, those that the
    service knows first."""
    found = team.templates.filter(
        model=model, asset__sha256=video.sha256, account__keys__active=True
    )
    return list(found.distinct().select_related("account", "asset").order_by("forgotten", "-id"))
