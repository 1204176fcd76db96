"""The plan of an order: tested against the limits, priced, and nothing written.

A page works it out once (`checked=False`), shows its estimate and passes it on to the click.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from jobs.accounts import pauses
from jobs.accounts.choice import account_for, keyless, require_use
from jobs.billing import prices
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.common.states import OPEN
from jobs.engine import checks, eta
from jobs.models import Account, Check, Job, Lane, Template
from jobs.orders import trim
from jobs.orders.order_request import OrderRequest
from studio.common.translatable import Sentence, phrase
from studio.models import Asset


@dataclass(frozen=True, slots=True)
class Line:
    label: Sentence
    formula: Sentence
    micros: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an order costs: one line per thing that is paid."""

    lines: list[Line]
    currency: str
    seconds: float

    @property
    def micros(self) -> int:
        return sum(line.micros for line in self.lines)


@dataclass(frozen=True, slots=True)
class Plan:
    """An order that fits: the cleaned choices, the quote, and the plan of the template that must be
    made first."""

    order: OrderRequest
    spec: entries.Model
    account: Account
    chosen: dict[str, Any]
    variant: str
    quote: prices.Quote
    milliseconds: int
    check: Check | None = None
    template: Template | None = None
    first: Plan | None = None  # the template job to be made first
    waits_for: Job | None = None  # or the template job that is already under way
    lane: Lane | None = None  # that of its account and model, where there is one yet

    @property
    def task(self) -> eta.PlannedTask:
        """What the lane will have to do for it."""
        return eta.PlannedTask(
            self.account, self.spec.name, self.variant, self.milliseconds, self.lane
        )

    @property
    def estimate(self) -> Estimate:
        """What it costs, line by line: a template that is made first, then the video."""
        label = (
            phrase("%(model)s %(variant)s", model=self.spec.label, variant=self.variant)
            if self.variant
            else self.spec.label
        )
        lines = [Line(label, self.quote.formula, self.quote.micros)]
        if self.first is not None:
            quote = self.first.quote
            lines.insert(0, Line(self.first.spec.label, quote.formula, quote.micros))
        return Estimate(lines, self.quote.currency, self.milliseconds / 1000)

    def serves(self, order: OrderRequest) -> bool:
        """Whether planning `order` would come to this plan again, but for title, key and check:
        everything that is tested and priced is the same, and no file had to be cut."""
        same = replace(self.order, trims={}, title=order.title, key=order.key)
        return order == same and not self.order.needs_cut

    def for_click(self, order: OrderRequest) -> Plan:
        """This plan as that of `order`, which it `serves`, with the checks that a job rests on.
        Raises Refused where one has not passed."""
        first = self.first.for_click(self.first.order) if self.first is not None else None
        check = _check_for(self.spec, order, self.chosen) if self.spec.check else None
        return replace(self, order=order, check=check, first=first)


def plan(order: OrderRequest, *, checked: bool = True) -> Plan:
    """Test the order and price it. With `checked` the picture's check must have passed; without, it
    may be to come.

    Raises Refused with every sentence that applies, and NoPrice.
    """
    spec, chosen = _model_and_choices(order)
    account = _account(order, spec)
    lane = lane_of(account, spec.name)
    problems = _file_problems(spec, order) + _closed(account, lane)
    problems += _already_under_way(order, spec, account)
    source = _template_source(order, spec, account, checked)
    template = source.template
    problems += [*source.problems, *_of_another_account(order, account, template)]
    if problems:
        raise Refused(*problems)
    check = _check_for(spec, order, chosen) if spec.check and checked else None
    milliseconds = _length(spec, order, template)
    if not milliseconds and template is None:
        raise Refused(phrase("This would be a video of no length at all. Choose a longer file."))
    variant = spec.variant_of(chosen)
    quote = prices.quote(
        spec,
        variant,
        Decimal(milliseconds) / 1000,
        currency=order.team.currency,
        region=account.region,
    )
    return Plan(
        order,
        spec,
        account,
        chosen,
        variant,
        quote,
        milliseconds,
        check,
        template,
        source.first,
        source.waits_for,
        lane,
    )


def estimate(order: OrderRequest) -> Estimate:
    """What the order would cost now, line by line. Raises Refused and NoPrice."""
    return plan(order, checked=False).estimate


def _model_and_choices(order: OrderRequest) -> tuple[entries.Model, dict[str, Any]]:
    try:
        spec = entries.get(order.model)
        return spec, entries.clean_choices(spec, order.chosen)
    except entries.BadChoice as error:
        raise Refused(error.sentence) from None
    except KeyError:
        raise Refused(
            phrase("The model %(model)s is not in the catalogue.", model=order.model)
        ) from None


def _account(order: OrderRequest, spec: entries.Model) -> Account:
    """The account that the order names, its template's, or the team's for the model now; one that
    the person may use."""
    account = (
        order.account
        or (order.template.account if order.template else None)
        or account_for(order.team, order.owner, order.model)
    )
    if account is None or keyless(account):
        raise Refused(_no_account(order))
    require_use(account, order.owner)
    if not account.serves(spec):
        region = account.get_region_display()
        raise Refused(
            phrase(
                "%(model)s is not offered in %(region)s. Choose a connection of another region.",
                model=spec.label,
                region=region,
            )
        )
    return account


def _no_account(order: OrderRequest) -> Sentence:
    """What to say when there is none that the person may use."""
    if any(not keyless(account) for account in order.team.accounts(manager="present").all()):
        return phrase(
            "None of the team’s Model Studio connections can be used by you for this model. Ask an "
            "owner or admin of the team to name you, or to add a connection."
        )
    return phrase(
        "The team has no Model Studio connection with a key for this model yet. An admin can add "
        "one under Connections."
    )


def lane_of(account: Account, model: str) -> Lane | None:
    """The lane of `model` that `account` uses; None while there is none."""
    lane = Lane.objects.filter(account_id=account.root_id, model=model).first()
    if lane is not None and lane.account_id == account.pk:
        lane.account = account  # which is read already
    return lane


def _closed(account: Account, lane: Lane | None) -> list[Sentence]:
    """Why nothing new may be put in front of this account or lane."""
    refusal = pauses.refuses(account, lane, account.team)
    return [refusal] if refusal else []


def _file_problems(spec: entries.Model, order: OrderRequest) -> list[Sentence]:
    problems = []
    for field_ in spec.inputs_of("image", "audio", "video"):
        asset = order.files.get(field_.name)
        if asset is None:
            problems.append(phrase("%(what)s is missing. Choose a file.", what=field_.label))
        elif field_.limits is not None:
            trimmed = order.trims.get(field_.name)
            facts = (
                trim.facts_of(asset, trimmed, field_.limits) if trimmed is not None else asset.facts
            )
            problems += [
                phrase("%(what)s: %(problem)s", what=field_.label, problem=problem.sentence)
                for problem in field_.limits.problems(facts)
            ]
    return problems


@dataclass(frozen=True, slots=True)
class _TemplateSource:
    """Where the template of a dance comes from; none of the three where none is needed, or none can
    be."""

    template: Template | None = None  # chosen, or known of the same video
    waits_for: Job | None = None  # a job that is making it
    first: Plan | None = None  # the plan of a new one
    problems: tuple[Sentence, ...] = ()


def _template_source(
    order: OrderRequest, spec: entries.Model, account: Account, checked: bool
) -> _TemplateSource:
    video = order.template_video
    if not spec.makes or order.template is not None:
        return _TemplateSource(order.template)
    if video is None:
        missing = phrase("Choose a dance template, or a video to make one from.")
        return _TemplateSource(problems=(missing,))
    template, making = template_of(account, spec.makes, video)
    if template is not None or making is not None:
        return _TemplateSource(template, making)
    maker = entries.get(spec.makes)
    template_order = replace(
        order,
        model=maker.name,
        files={maker.inputs[0].name: video},
        chosen={},
        template_video=None,
        account=account,
        title=video.name,
        key="",
    )
    try:
        return _TemplateSource(first=plan(template_order, checked=checked))
    except Refused as refused:
        return _TemplateSource(problems=tuple(refused.sentences))


def _of_another_account(
    order: OrderRequest, account: Account, template: Template | None
) -> list[Sentence]:
    if template is None or (
        template.team_id == order.team.pk and template.account_id == account.pk
    ):
        return []
    return [
        phrase(
            "This template belongs to another connection; the service knows it only there. Make it "
            "again on this connection."
        )
    ]


def template_of(account: Account, model: str, video: Asset) -> tuple[Template | None, Job | None]:
    """The template that `model` made of this very content on `account`; else the job that is making
    it now."""
    known = Template.objects.filter(
        account=account, model=model, asset__sha256=video.sha256, forgotten=False
    ).first()
    return known, None if known is not None else under_way(account, model, video)


def under_way(account: Account, model: str, video: Asset) -> Job | None:
    """The job that is making a template of this very content on `account` now."""
    return account.jobs.filter(model=model, made_from=video.sha256, state__in=OPEN).first()


def _already_under_way(
    order: OrderRequest, spec: entries.Model, account: Account
) -> list[Sentence]:
    """Why a template cannot be ordered by itself: one of the same content is being made."""
    if spec.kind is not entries.Kind.TEMPLATE:
        return []
    video = order.files.get(spec.inputs[0].name)
    making = under_way(account, spec.name, video) if video is not None else None
    if making is None:
        return []
    return [
        phrase(
            "A template of this video is being made on %(account)s already: “%(title)s”. Wait for "
            "it; a second one would only cost the same again.",
            account=account,
            title=making.title,
        )
    ]


def _check_for(spec: entries.Model, order: OrderRequest, chosen: dict[str, Any]) -> Check:
    """The passed check that this job rests on; Refused with the sentence when there is none."""
    name = spec.inputs_of("image")[0].name
    check = checks.known(asset=order.files[name], model=spec.check, chosen=chosen)
    if check is None or check.state in (Check.State.WAITING, Check.State.ASKING):
        raise Refused(phrase("The picture is not checked yet. Wait for the check, then try again."))
    if check.state != Check.State.PASSED:
        raise Refused(
            check.sentence or phrase("The picture did not pass the check. Choose another.")
        )
    return check


def _length(spec: entries.Model, order: OrderRequest, template: Template | None) -> int:
    """Length of the result in milliseconds: that of the input that decides it."""
    if spec.input(spec.length_of).kind == "template":
        if template is not None:
            return template.milliseconds
        return order.template_video.milliseconds if order.template_video else 0
    trimmed = order.trims.get(spec.length_of)
    return trimmed.milliseconds if trimmed is not None else order.files[spec.length_of].milliseconds
