"""Every column of the rows that a click makes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from jobs.common.errors import Refused
from jobs.common.states import Code, Group, Rank, State
from jobs.engine import eta
from jobs.models import Account, JobSet, Lane
from jobs.orders import insert_job
from jobs.orders.order_request import OrderRequest
from jobs.orders.plan import plan
from jobs.orders.waiting_room import require_room_in_line
from studio.models import Team, User
from tests import makers
from tests.jobs.orders.job_rows import UNTOUCHED, entries_of, row

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(team: Team, creator: User, account: Account) -> OrderRequest:
    portrait, speech = makers.asset(team), makers.asset(team, "audio", milliseconds=8000)
    makers.check(portrait, account)
    files = {"image_url": portrait, "audio_url": speech}
    return OrderRequest(
        team, creator, "emo-v1", files, {"ratio": "1:1"}, title=" A  video ", key="k"
    )


# ── a click ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("waits", [False, True])
def test_a_click_makes_its_job_with_its_hold(
    order: OrderRequest, account: Account, noon: datetime, waits: bool
) -> None:
    ready, soon = plan(order), noon + timedelta(minutes=1)
    place = eta.Place(1, 1, noon, soon, soon + timedelta(minutes=2))
    maker = makers.job(order.team, order.owner, "animate-anyone-template-gen2")
    before = makers.job(order.team, order.owner)
    jobset = JobSet.objects.create(team=order.team, owner=order.owner, title="Set")
    whole = {"name": "audio_url"}
    job = insert_job.insert(
        ready,
        place,
        needs=maker if waits else None,
        again_of=before,
        full=whole,
        jobset=jobset,
    )
    code = Code.NEEDS_TEMPLATE if waits else Code.WAITING_TURN
    assert row(job) == UNTOUCHED | {
        "team_id": order.team.pk,
        "owner_id": order.owner.pk,
        "account_id": account.pk,
        "lane_id": Lane.objects.get(account=account, model="emo-v1").pk,
        "model": "emo-v1",
        "title": "A video",
        "parameters": ready.chosen,
        "check_used_id": ready.check.pk if ready.check else None,
        "needs_id": maker.pk if waits else None,
        "again_of_id": before.pk,
        "set_id": jobset.pk,
        "full": whole,
        "idempotency_key": "k",
        "state": State.QUEUED,
        "code": code,
        "group": Group.WAITING,
        "variant": "1:1",
        "milliseconds": 8000,
        "price_id": ready.quote.price.pk,
        "currency": "USD",
        "quote_micros": 91_752,
        "forecast_ready_at": place.ready_at,
        "forecast_late_at": place.late_at,
    }
    assert {one.name: one.asset for one in job.inputs.all()} == order.files
    assert entries_of(job) == [("hold", 91_752, 0, Decimal(8))]
    hold = job.ledger.get()
    assert (hold.team, hold.member) == (order.team, order.owner)
    event = job.events.get()
    assert (event.old, event.new, event.code) == ("", "queued", code)
    assert str(event.text) == "Created; $0.0918 reserved (8 s × $0.011469)"


def test_a_plain_click_begins_nothing_and_repeats_nothing(order: OrderRequest) -> None:
    job = insert_job.insert(plan(order), eta.Place(0, 0, None, None))
    found = row(job)
    for name in ("needs_id", "again_of_id", "set_id", "full", "forecast_ready_at"):
        assert found[name] == UNTOUCHED[name]


def test_a_dance_keeps_the_template_that_was_chosen(
    team: Team, creator: User, account: Account
) -> None:
    picture, template = makers.asset(team), makers.template(team, account)
    makers.check(picture, account, "animate-anyone-detect-gen2")
    files = {"image_url": picture}
    order = OrderRequest(team, creator, "animate-anyone-gen2", files, template=template)
    job = insert_job.insert(plan(order), eta.Place(0, 0, None, None))
    assert (job.template, job.milliseconds) == (template, template.milliseconds)


@pytest.mark.parametrize(
    ("title", "name", "expected"),
    [
        ("", "Ada at sea.final.jpg", "Ada at sea.final"),
        ("  ", "Ada.jpg", "Ada"),
        ("T" * 250, "Ada.jpg", "T" * 200),
        ("", "N" * 250 + ".jpg", "N" * 200),
    ],
)
def test_a_job_without_a_name_has_that_of_its_picture(
    order: OrderRequest, title: str, name: str, expected: str
) -> None:
    order.files["image_url"].name = name
    job = insert_job.insert(plan(replace(order, title=title)), eta.Place(0, 0, None, None))
    assert job.title == expected


def test_a_short_video_goes_first_within_its_persons_turn(order: OrderRequest, team: Team) -> None:
    speech = makers.asset(team, "audio", milliseconds=5000)
    short = replace(order, files={**order.files, "audio_url": speech})
    assert insert_job.insert(plan(short), eta.Place(0, 0, None, None)).rank == Rank.SHORT


def test_a_template_is_known_by_the_content_of_its_video(team: Team, creator: User) -> None:
    video = makers.asset(team, "video")
    makers.account(team)
    order = OrderRequest(team, creator, "animate-anyone-template-gen2", {"video_url": video})
    ready = plan(order, checked=False)
    job = insert_job.insert(ready, eta.Place(0, 0, None, None))
    assert job.made_from == video.sha256
    assert [(row.name, row.asset) for row in job.inputs.all()] == [("video_url", video)]
    with pytest.raises(Refused, match="being made"):
        plan(order, checked=False)


def test_a_twin_row_uses_the_lane_of_the_first(team: Team) -> None:
    first, twin = makers.account(team), makers.account(team)
    twin.same_as = first
    lane = insert_job.lane_for(twin, "emo-v1")
    assert (lane.account_id, lane.model) == (first.pk, "emo-v1")
    assert insert_job.lane_for(first, "emo-v1") == lane
    assert insert_job.lane_for(first, "animate-anyone-gen2") != lane


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({}, True),
        ({"code": Code.OVER_BUDGET}, True),
        ({"state": State.RUNNING}, False),
        ({"state": State.UNCERTAIN}, False),
        ({"state": State.CANCELED}, False),
    ],
)
def test_room_in_line_is_for_what_waits(
    team: Team, creator: User, owner: User, stranger: User, fields: dict[str, Any], counts: bool
) -> None:
    """Of this person in this team, up to the limit itself."""
    team.waiting_limit = 2
    for _ in range(2):
        makers.job(team, creator)
    makers.job(team, owner)
    theirs = stranger.memberships.get().team
    makers.account(theirs)
    makers.job(theirs, creator)
    require_room_in_line(team, creator)
    makers.job(team, creator, **fields)
    if not counts:
        require_room_in_line(team, creator)
        return
    with pytest.raises(Refused, match=r"3 jobs waiting.*may have 2"):
        require_room_in_line(team, creator)
