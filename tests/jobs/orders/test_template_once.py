"""What an order makes first, a template, is made and paid once, whoever asks at the same moment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from jobs.common.errors import Refused
from jobs.common.states import State
from jobs.models import Account, Job, JobSet, LedgerEntry, Template
from jobs.orders import create, sets
from jobs.orders.create_batch import create_batch
from jobs.orders.order_request import OrderRequest
from jobs.orders.plan import plan
from studio.models import Asset, Team, User
from tests import makers

MAKER = "animate-anyone-template-gen2"
PRICE = 45_876  # of 4 s, of the template as of the dance


@pytest.fixture
def video(team: Team) -> Asset:
    return makers.asset(team, "video", codec="h264")


@pytest.fixture
def dance(team: Team, creator: User, account: Account, video: Asset) -> OrderRequest:
    picture = makers.asset(team)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    return OrderRequest(
        team,
        creator,
        "animate-anyone-gen2",
        {"image_url": picture},
        template_video=video,
        account=account,
        title="Dance",
    )


def makers_made() -> list[Job]:
    return list(Job.objects.filter(model=MAKER))


def held() -> int:
    return sum(entry.held for entry in LedgerEntry.objects.all())


def test_two_orders_planned_at_once_share_one_template(dance: OrderRequest) -> None:
    plans = [plan(replace(dance, key=key)) for key in ("a", "b", "c")]
    assert all(one.first is not None for one in plans)
    jobs = [create.create(one.order, planned=one) for one in plans]
    (maker,) = makers_made()
    assert [job.needs for job in jobs] == [maker] * 3
    assert held() == 4 * PRICE


def test_a_set_planned_beside_an_order_shares_its_template(dance: OrderRequest) -> None:
    several = sets.sweep(dance)
    plans = [plan(one) for one in several]
    create.create(replace(dance, key="first"))
    create_batch(several, kind=JobSet.Kind.SWEEP, title="Dance", key="second", planned=plans)
    assert len(makers_made()) == 1
    assert held() == (2 + len(several)) * PRICE


def test_a_template_that_came_home_meanwhile_is_used(
    dance: OrderRequest, team: Team, account: Account, video: Asset
) -> None:
    planned = plan(dance)
    template = Template.objects.create(
        team=team,
        account=account,
        model=MAKER,
        asset=video,
        template_id="AACT.1",
        name="Dance",
        milliseconds=4000,
    )
    job = create.create(dance, planned=planned)
    assert (job.template, job.needs, held()) == (template, None, PRICE)


def test_a_template_cannot_be_ordered_twice_by_itself(
    dance: OrderRequest, video: Asset, account: Account
) -> None:
    alone = replace(dance, model=MAKER, files={"video_url": video}, template_video=None)
    planned = plan(replace(alone, key="a"))
    create.create(dance)
    for more in ({"planned": planned}, {}):
        with pytest.raises(Refused, match="is being made on"):
            create.create(replace(alone, key="a"), **more)  # type: ignore[arg-type]
    assert held() == 2 * PRICE


def test_a_dance_that_would_cost_more_than_it_said_is_not_made(dance: OrderRequest) -> None:
    """The template that it was to share ended in vain between the page and the click."""
    other = create.create(replace(dance, key="other"))
    planned = plan(dance)
    assert planned.estimate.micros == PRICE
    Job.objects.filter(pk=other.needs_id).update(state=State.FAILED)
    with pytest.raises(Refused, match=r"video costs \$0\.0918 instead of \$0\.0459"):
        create.create(dance, planned=planned)
    assert Job.objects.count() == 2


def test_the_database_refuses_a_second_template_under_way(
    team: Team, creator: User, account: Account, video: Asset
) -> None:
    one = makers.job(team, creator, MAKER, account=account, files={"video_url": video})
    for state in (State.SUBMITTING, State.UNCERTAIN, State.RUNNING, State.ARCHIVING, State.QUEUED):
        Job.objects.filter(pk=one.pk).update(state=state)
        with pytest.raises(IntegrityError), transaction.atomic():
            makers.job(team, creator, MAKER, account=account, files={"video_url": video})
    Job.objects.filter(pk=one.pk).update(state=State.FAILED)
    makers.job(team, creator, MAKER, account=account, files={"video_url": video})
    makers.job(team, creator, MAKER, account=makers.account(team), files={"video_url": video})
