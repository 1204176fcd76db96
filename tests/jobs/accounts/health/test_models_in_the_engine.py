"""The health of models as the engine learns it from the stand-in of the service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs.accounts import endpoints, keys
from jobs.catalogue import entries
from jobs.engine import lane_lease, lane_visit
from jobs.models import Account, Attempt, Job, Lane
from jobs.simulator import Simulator
from studio.models import Team, User
from tests import makers
from tests.jobs.accounts.health.scene import over

# ── with the engine and the stand-in of the service ───────────────────────────────────────────────


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(
        speed=60, keys={"sk-other-key-of-rich": "sk-rich-000001"}, gone=("wan2.2-s2v",)
    ) as running:
        yield running


def visited(lane: Lane) -> Lane:
    Lane.objects.filter(pk=lane.pk).update(next_visit_at=timezone.now())
    claimed = [one for one in lane_lease.claim() if one.lane.pk == lane.pk]
    lane_visit.visit(claimed[0])
    return Lane.objects.select_related("account").get(pk=lane.pk)


@pytest.mark.parametrize("key", ["sk-arrears-0001", "sk-quota-00001"])
def test_waiting_jobs_are_kept_one_is_tried_and_all_go_on(
    team: Team,
    owner: User,
    simulator: Simulator,
    mails: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    key: str,
) -> None:
    monkeypatch.setattr(
        "jobs.engine.media_urls.address",
        lambda asset, account, model: f"https://files.example.com/{asset.sha256}.{asset.extension}",
    )
    account = makers.account(team, url=simulator.url, label="North", key=key)
    check = makers.check(makers.asset(team), account)
    jobs = [makers.job(team, owner, account=account, check_used=check) for _ in range(3)]
    lane = visited(jobs[0].lane)
    assert {(job.state, job.code) for job in Job.objects.all()} == {("queued", "account-paused")}
    assert simulator.bill() == []
    assert len(mails) == 1
    assert Attempt.objects.count() == 1, "the first refusal holds the others back"
    lane = visited(lane)
    assert Attempt.objects.count() == 1, "nothing is sent while it rests"
    over(account)
    lane = visited(lane)
    assert Attempt.objects.count() == 2, "one job alone is tried"
    assert len(mails) == 1


def test_a_model_that_is_gone_keeps_its_jobs(
    team: Team, owner: User, simulator: Simulator, mails: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "jobs.engine.media_urls.address",
        lambda asset, account, model: f"https://files.example.com/{asset.sha256}.{asset.extension}",
    )
    account = makers.account(team, url=simulator.url, label="North", key="sk-rich-000001")
    check = makers.check(makers.asset(team), account, "wan2.2-s2v-detect")
    job = makers.job(team, owner, "wan2.2-s2v", account=account, check_used=check)
    lane = visited(job.lane)
    job.refresh_from_db()
    assert (job.state, job.code) == ("queued", "model-gone")
    assert "wan2.2-s2v" in job.sentence
    assert (lane.health, len(mails)) == ("gone", 1)


def test_a_refused_key_is_replaced_in_place_and_the_job_goes_out(
    team: Team, owner: User, simulator: Simulator, mails: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.engine.media_urls.links.delivery", lambda url: "temporary")
    account = makers.account(team, url=simulator.url, label="North", key="sk-refused-0001")
    picture = makers.asset(
        team, content=(Path(entries.__file__).parents[1] / "samples" / "portrait.jpg").read_bytes()
    )
    speech = makers.asset(
        team,
        "audio",
        content=(Path(entries.__file__).parents[1] / "samples" / "speech.mp3").read_bytes(),
    )
    job = makers.job(
        team,
        owner,
        account=account,
        check_used=makers.check(picture, account),
        files={"image_url": picture, "audio_url": speech},
    )
    visited(job.lane)
    job.refresh_from_db()
    assert (job.state, job.code) == ("queued", "account-paused")
    assert Account.objects.get().health == "key"
    keys.add_key(Account.objects.get(), "sk-rich-000001", owner)
    lane = visited(job.lane)
    visited(lane)
    job.refresh_from_db()
    assert (job.state, job.code, job.account_id) == ("running", "", account.pk)
    assert [subject for _, subject, _ in mails] == ["North: key refused", "North works again"]
    old = Account.objects.get()
    keys.add_key(old, "sk-other-key-of-rich", owner)
    Job.objects.filter(pk=job.pk).update(looked_at=timezone.now())
    with pytest.raises(endpoints.KeyRefused, match="another Alibaba account"):
        keys.add_key(old, "sk-poor-0000001", owner)
