"""A wish: what somebody wants made, before it is a job. Tested against the limits, priced, and
nothing written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from jobs.accounts import pauses
from jobs.accounts.choice import account_for
from jobs.billing import prices
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.engine import checks, eta
from jobs.models import Account, Check, Job, Lane, Template
from jobs.orders import trim
from jobs.orders.trim import Kept
from studio.common.translatable import Sentence, phrase
from studio.models import Asset, Team, User


@dataclass(frozen=True, slots=True)
class Wish:
    """`files` by the model's input name; `chosen` has the model's parameters and those of its
    check.

    For a model that needs a template give `template`, or `template_video` to have one made (or
    found) first. `key` makes the click idempotent: the same key in a team is the same job.
    """

    team: Team
    owner: User
    model: str
    files: dict[str, Asset] = field(default_factory=dict)
    chosen: dict[str, Any] = field(default_factory=dict)
    template: Template | None = None
    template_video: Asset | None = None
    account: Account | None = None
    title: str = ""
    key: str = ""
    # what of a speech goes into the film, by the model's input name; cut out (`cut`) before it
    # becomes a job
    keeps: dict[str, Kept] = field(default_factory=dict)

    def cut(self) -> Wish:
        """The same with every kept part made a file. Raises MediaError with a sentence."""
        if not self.keeps:
            return self
        spec = entries.get(self.model)
        files = {name: self._cut(spec, name, asset) for name, asset in self.files.items()}
        return replace(self, files=files, keeps={})

    def _cut(self, spec: entries.Model, name: str, asset: Asset) -> Asset:
        limits = spec.input(name).limits
        return (
            trim.made(asset, self.keeps[name], limits, self.owner)
            if name in self.keeps and limits is not None
            else asset
        )


@dataclass(frozen=True, slots=True)
class Line:
    label: Sentence
    formula: Sentence
    micros: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a wish costs: one line per thing that is paid."""

    lines: list[Line]
    currency: str
    seconds: float

    @property
    def micros(self) -> int:
        return sum(line.micros for line in self.lines)


@dataclass(frozen=True, slots=True)
class Plan:
    """A wish that fits: the cleaned choices, the quote, and the plan of the template that must be
    made first."""

    wish: Wish
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

    @property
    def task(self) -> eta.PlannedTask:
        """What the lane will have to do for it."""
        return eta.PlannedTask(self.account, self.spec.name, self.variant, self.milliseconds)


def plan(wish: Wish, *, checked: bool = True) -> Plan:
    """Test the wish and price it. With `checked` the picture's check must have passed; without, it
    may be to come.

    Raises Refused with every sentence that applies, and NoPrice.
    """
    try:
        spec = entries.get(wish.model)
        chosen = entries.clean_choices(spec, wish.chosen)
    except entries.BadChoice as error:
        raise Refused(error.sentence) from None
    except KeyError:
        raise Refused(
            phrase("The model %(model)s is not in the catalogue.", model=wish.model)
        ) from None
    template = wish.template
    account = (
        wish.account
        or (template.account if template else None)
        or account_for(wish.team, wish.model)
    )
    if account is None or account.key is None:
        raise Refused(
            phrase(
                "The team has no Model Studio account with a key for this model yet. An admin can "
                "add one under Accounts."
            )
        )
    if not account.serves(spec):
        region = account.get_region_display()
        raise Refused(
            phrase(
                "%(model)s is not offered in %(region)s. Choose an account of another region.",
                model=spec.label,
                region=region,
            )
        )
    problems = _file_problems(spec, wish) + _closed(account, spec.name)
    first: Plan | None = None
    waits_for: Job | None = None
    if spec.makes and template is None:
        if wish.template_video is None:
            problems.append(phrase("Choose a dance template, or a video to make one from."))
        else:
            template, waits_for, first, more = _template_for(wish, spec, account, checked)
            problems += more
    if template is not None and (
        template.team_id != wish.team.pk or template.account_id != account.pk
    ):
        problems.append(
            phrase(
                "This template belongs to another account; the service knows it only there. Make "
                "it again on this account."
            )
        )
    if problems:
        raise Refused(*problems)
    check = _check_for(spec, wish, chosen) if spec.check and checked else None
    milliseconds = _length(spec, wish, template)
    if not milliseconds and template is None:
        raise Refused(phrase("This would be a film of no length at all. Choose a longer file."))
    variant = spec.variant_of(chosen)
    quote = prices.quote(
        spec,
        variant,
        Decimal(milliseconds) / 1000,
        currency=wish.team.currency,
        region=account.region,
    )
    return Plan(
        wish, spec, account, chosen, variant, quote, milliseconds, check, template, first, waits_for
    )


def estimate(wish: Wish) -> Estimate:
    """What the wish would cost now, line by line. Raises Refused and NoPrice."""
    made = plan(wish, checked=False)
    lines = []
    if made.first is not None:
        lines.append(Line(made.first.spec.label, made.first.quote.formula, made.first.quote.micros))
    label = (
        phrase("%(model)s %(variant)s", model=made.spec.label, variant=made.variant)
        if made.variant
        else made.spec.label
    )
    lines.append(Line(label, made.quote.formula, made.quote.micros))
    return Estimate(lines, made.quote.currency, made.milliseconds / 1000)


def _closed(account: Account, model: str) -> list[Sentence]:
    """Why nothing new may be put in front of this account or lane."""
    lane = (
        Lane.objects.filter(account_id=account.root_id, model=model)
        .select_related("account", "gate_by")
        .first()
    )
    refusal = pauses.refuses(account, lane, account.team)
    return [refusal] if refusal else []


def _file_problems(spec: entries.Model, wish: Wish) -> list[Sentence]:
    problems = []
    for field_ in spec.inputs_of("image", "audio", "video"):
        asset = wish.files.get(field_.name)
        if asset is None:
            problems.append(phrase("%(what)s is missing. Choose a file.", what=field_.label))
        elif field_.limits is not None:
            parts = wish.keeps.get(field_.name)
            facts = trim.facts_of(asset, parts, field_.limits) if parts is not None else asset.facts
            problems += [
                phrase("%(what)s: %(problem)s", what=field_.label, problem=problem.sentence)
                for problem in field_.limits.problems(facts)
            ]
    return problems


def _template_for(
    wish: Wish, spec: entries.Model, account: Account, checked: bool
) -> tuple[Template | None, Job | None, Plan | None, list[Sentence]]:
    """(a template of the same video, a template job under way for it, the plan of a new one,
    problems): one of them."""
    video = wish.template_video
    assert video is not None  # noqa: S101  (the caller asked)
    known = Template.objects.filter(
        account=account, model=spec.makes, asset__sha256=video.sha256, forgotten=False
    ).first()
    if known is not None:
        return known, None, None, []
    under_way = (
        wish.team.jobs.filter(account=account, model=spec.makes, inputs__asset=video)
        .exclude(state__in=(State.SUCCEEDED, State.FAILED, State.CANCELED))
        .first()
    )
    if under_way is not None:
        return None, under_way, None, []
    maker = entries.get(spec.makes)
    try:
        first = plan(
            replace(
                wish,
                model=maker.name,
                files={maker.inputs[0].name: video},
                chosen={},
                template_video=None,
                account=account,
                title=video.name,
                key="",
            ),
            checked=checked,
        )
    except Refused as refused:
        return None, None, None, refused.sentences
    return None, None, first, []


def _check_for(spec: entries.Model, wish: Wish, chosen: dict[str, Any]) -> Check:
    """The passed check that this job rests on; Refused with the sentence when there is none."""
    name = spec.inputs_of("image")[0].name
    check = checks.known(asset=wish.files[name], model=spec.check, chosen=chosen)
    if check is None or check.state in (Check.State.WAITING, Check.State.ASKING):
        raise Refused(phrase("The picture is not checked yet. Wait for the check, then try again."))
    if check.state != Check.State.PASSED:
        raise Refused(
            check.sentence or phrase("The picture did not pass the check. Choose another.")
        )
    return check


def _length(spec: entries.Model, wish: Wish, template: Template | None) -> int:
    """Length of the result in milliseconds: that of the input that decides it."""
    if spec.input(spec.length_of).kind == "template":
        if template is not None:
            return template.milliseconds
        return wish.template_video.milliseconds if wish.template_video else 0
    parts = wish.keeps.get(spec.length_of)
    return parts.milliseconds if parts is not None else wish.files[spec.length_of].milliseconds
