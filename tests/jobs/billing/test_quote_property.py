"""What the page shows, what the job quotes, what is held and what is settled are one number, for
every model, variant and length.

The rule (CONTRACT §7): the service bills the seconds of what it made, by the second and without
rounding them up, and says how many; its words have hundredths. So the settlement is price × billed
seconds, rounded half up once, as the quote is price × our milliseconds: the same micros whenever
the length has no thousandths, and otherwise apart by at most the price of 5 ms, and one micro for
the rounding.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jobs.billing import confirmed_price, prices
from jobs.catalogue import entries
from jobs.catalogue.create_pages import page_of
from jobs.common.states import State
from jobs.engine import checks, detect, poll
from jobs.models import Account, Job, LedgerEntry, Template
from jobs.orders import create, trim
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import TEMPLATE, file_fields, form_value
from jobs.pages.create.draft_form import DraftForm
from jobs.pages.create.draft_review import review_draft
from jobs.pages.create.page import create_page
from jobs.simulator import task_runner
from studio.models import Asset, Team, User
from tests import makers
from tests.service import Service, task

FEW = settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MORE = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SHAPE: dict[str, dict[str, Any]] = {
    "image": {"width": 720, "height": 960},
    "audio": {},
    "video": {"width": 720, "height": 1280, "fps": 30.0, "codec": "h264"},
}
MADE = [spec for spec in entries.MODELS.values() if spec.asynchronous]
CHECKED = [spec for spec in MADE if spec.check]


def variants(spec: entries.Model) -> list[dict[str, Any]]:
    """The choices that lead to each price of `spec`."""
    if spec.variant is None:
        return [{}]
    decides = next(p for p in spec.choices() if p.name == spec.variant.chosen)
    return [{decides.name: value} for value in decides.values]


CASES = [
    pytest.param(spec, chosen, region, id=" ".join([spec.name, *map(str, chosen.values()), region]))
    for spec in MADE
    for chosen in variants(spec)
    for region in spec.regions
]


def limits_of(spec: entries.Model) -> tuple[int, int]:
    """The least and the most milliseconds that the model takes; a minute of template for a
    dance."""
    field = next((f for f in file_fields(spec) if f.name == spec.length_of), None)
    if field is None:
        maker = entries.get(spec.makes)
        return limits_of(maker)
    return round((field.limits.min_seconds or 0.001) * 1000), trim.longest(field.limits, 3_600_000)


class Place:
    """A team with an account in `region` and files that `spec` takes; `desk(n)` is the create page
    of a video of n milliseconds."""

    def __init__(
        self, team: Team, user: User, spec: entries.Model, chosen: dict[str, Any], region: str
    ) -> None:
        self.team, self.user, self.spec, self.chosen = team, user, spec, chosen
        self.account = makers.account(team)
        self.account.region = region
        self.account.save(update_fields=["region"])
        self.files = {
            f.name: makers.asset(team, f.kind, **SHAPE[f.kind])
            for f in file_fields(spec)
            if f.name in {i.name for i in spec.inputs}
        }
        self.template = makers.template(team, self.account) if spec.makes else None
        if spec.check:
            makers.check(
                next(a for a in self.files.values() if a.kind == "image"),
                self.account,
                spec.check,
                chosen=self.own,
            )

    @property
    def own(self) -> dict[str, Any]:
        """The choices that the check is asked with."""
        return {
            name: value
            for name, value in self.chosen.items()
            if name in {p.name for p in entries.get(self.spec.check).parameters}
        }

    def pays_in(self, currency: str) -> int:
        """Micros of `currency` per second, which is the team's from now on."""
        Team.objects.filter(pk=self.team.pk).update(currency=currency)
        self.team.refresh_from_db()
        return prices.price_of(
            self.spec.name, self.spec.variant_of(self.chosen), currency, self.account.region
        ).micros

    def draft(self, milliseconds: int, **more: str) -> Draft:
        if self.template is not None:
            Template.objects.filter(pk=self.template.pk).update(milliseconds=milliseconds)
        else:
            Asset.objects.filter(pk=self.files[self.spec.length_of].pk).update(
                milliseconds=milliseconds
            )
        fields = {name: asset.public_id for name, asset in self.files.items()} | {
            name: form_value(value) for name, value in self.chosen.items()
        }
        fields |= (
            {"title": "Take"}
            | ({TEMPLATE: self.template.public_id} if self.template else {})
            | more
        )
        return DraftForm(fields, spec=self.spec, team=self.team).draft

    def micros(self, milliseconds: int, **more: str) -> int:
        return review_draft(self.draft(milliseconds, **more), self.user).planned.micros


def held(job: Job) -> int:
    return int(job.ledger.aggregate(sum=Sum("held"))["sum"])


def ends(job: Job, spec: entries.Model, seconds: float) -> Decimal:
    """The service ends the job's task with a video of `seconds`, billed as the simulator bills it;
    the seconds that it says."""
    Job.objects.filter(pk=job.pk).update(
        state=State.RUNNING, group=1, task_id=f"task-{job.pk}", attempt=1
    )
    job.refresh_from_db()
    usage = task_runner.usage_of(spec, seconds, job.variant)
    output = {
        "results": {"video_url": "http://127.0.0.1:9/video.mp4"},
        "video_url": "http://127.0.0.1:9/video.mp4",
        "template_id": f"AACT.{job.pk}",
    }
    poll.take_in(job, task(job.task_id, "SUCCEEDED", output, usage))
    return Decimal(str(usage[spec.usage]))


@pytest.mark.parametrize(("spec", "chosen", "region"), CASES)
def test_shown_quoted_held_and_settled_agree(
    team: Team,
    creator: User,
    service: Service,
    spec: entries.Model,
    chosen: dict[str, Any],
    region: str,
) -> None:
    place = Place(team, creator, spec, chosen, region)
    least, most = limits_of(spec)

    @FEW
    @given(st.integers(least, most), st.sampled_from(["USD", "CNY"]))
    @example(least, "USD")
    @example(most, "CNY")
    def agree(milliseconds: int, currency: str) -> None:
        price = place.pays_in(currency)
        page = create_page(place.draft(milliseconds), creator, page_of(spec))
        expected = (price * milliseconds + 500) // 1000
        assert page.blocked == ""
        assert page.price.micros == expected
        assert page.price.total == prices.format_money(expected, currency)
        assert f"make={expected}" in page.confirmed_prices.split()
        assert (
            confirmed_price.changed(page.confirmed_prices, "make", expected, currency, exact=True)
            == ""
        )
        job = create.create(page.draft.order(creator))
        assert (job.quote_micros, job.milliseconds, job.variant) == (
            expected,
            milliseconds,
            spec.variant_of(chosen),
        )
        assert held(job) == expected
        billed = ends(job, spec, milliseconds / 1000)
        settled = int((price * billed).quantize(Decimal(1), ROUND_HALF_UP))
        assert (job.settled_micros, held(job)) == (settled, 0)
        assert int(job.ledger.aggregate(sum=Sum("settled"))["sum"]) == settled
        assert abs(settled - expected) * 1000 <= 5 * price + 1000
        if milliseconds % 10 == 0:
            assert settled == expected
        if currency == "USD" and region == "cn-beijing":
            assert settled == task_runner.price_of(spec, billed, job.variant), (
                "our settlement is the line on the service’s bill"
            )

    agree()


@pytest.mark.parametrize("spec", [spec for spec in MADE if spec.makes], ids=lambda spec: spec.name)
def test_a_dance_shows_and_holds_its_template_too(
    team: Team, creator: User, spec: entries.Model
) -> None:
    place = Place(team, creator, spec, {}, "cn-beijing")
    maker = entries.get(spec.makes)
    prices = [price.micros for price in maker.prices + spec.prices if price.currency == "USD"]

    @FEW
    @given(st.integers(*limits_of(spec)))
    def agree(milliseconds: int) -> None:
        video = makers.asset(team, "video", milliseconds=milliseconds, **SHAPE["video"])
        fields = {name: asset.public_id for name, asset in place.files.items()} | {
            "template_video": video.public_id
        }
        page = create_page(DraftForm(fields, spec=spec, team=team).draft, creator, page_of(spec))
        expected = sum((price * milliseconds + 500) // 1000 for price in prices)
        assert len(prices) == 2
        assert page.price.micros == expected
        before = LedgerEntry.objects.aggregate(sum=Sum("held"))["sum"] or 0
        create.create(page.draft.order(creator))
        assert LedgerEntry.objects.aggregate(sum=Sum("held"))["sum"] - before == expected

    agree()


@pytest.mark.parametrize("spec", CHECKED, ids=lambda spec: spec.check)
def test_a_check_is_settled_as_its_button_says(
    team: Team, creator: User, account: Account, service: Service, spec: entries.Model
) -> None:
    check = entries.get(spec.check)
    picture = makers.asset(team)
    draft = DraftForm({check.inputs[0].name: picture.public_id}, spec=spec, team=team).draft
    shown = create_page(draft, creator, page_of(spec)).check
    assert shown is not None
    asked = checks.ask(
        asset=picture, model=check.name, chosen=draft.check_choices, account=account, by=creator
    )
    micros = next(price.micros for price in check.prices if price.currency == "USD")
    assert shown.price == prices.format_money(micros, "USD")
    assert LedgerEntry.objects.get(check_asked=asked).held == micros
    detect.step(asked.pk)
    sums = LedgerEntry.objects.filter(check_asked=asked).aggregate(
        held=Sum("held"), settled=Sum("settled")
    )
    assert sums == {"held": 0, "settled": micros}


SPOKEN = [(spec, chosen) for spec in MADE if spec.inputs_of("audio") for chosen in variants(spec)]


@pytest.mark.parametrize(
    ("spec", "chosen"),
    SPOKEN,
    ids=[f"{spec.name} {next(iter(chosen.values()), '')}" for spec, chosen in SPOKEN],
)
def test_every_second_that_is_cut_off_takes_its_price_off(
    team: Team, creator: User, spec: entries.Model, chosen: dict[str, Any]
) -> None:
    """Whole seconds cost whole micros, so they come off to the micro whatever the length was; and n
    seconds cost n times the price."""
    place = Place(team, creator, spec, chosen, "cn-beijing")
    price = place.pays_in("USD")
    name = f"keep_{spec.length_of}"

    @MORE
    @given(st.integers(3000, limits_of(spec)[1]), st.data())
    def agree(whole: int, data: st.DataObject) -> None:
        before = place.micros(whole)
        cut = data.draw(st.integers(1, whole // 1000 - 1))
        assert before - place.micros(whole, **{name: f"0-{whole - cut * 1000}"}) == price * cut
        start = data.draw(st.integers(0, whole - cut * 1000))
        assert place.micros(whole, **{name: f"{start}-{start + cut * 1000}"}) == price * cut

    agree()
