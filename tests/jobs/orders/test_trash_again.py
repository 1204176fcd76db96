"""What lies in the trash by halves: something outside still names it, or names it again."""

from __future__ import annotations

import pytest
from django.db.models import ProtectedError
from django.utils import timezone

from jobs.common.states import Group, State
from jobs.models import Account, Job, JobSet, Template
from jobs.orders import trash, trash_sweep
from studio.models import Asset, Deletion, Team, User
from tests import makers


def due(*deletions: Deletion) -> None:
    """Their time in the trash is over."""
    Deletion.objects.filter(pk__in=[one.pk for one in deletions]).update(remove_at=timezone.now())


def deleted(team: Team, job: Job, by: User) -> Deletion:
    (one,) = trash.delete_jobs(team, [job], by, others=True).deletions
    return one


def test_a_template_outlives_the_deletion_of_the_video_that_it_was_made_from(
    team: Team, creator: User, account: Account
) -> None:
    video = makers.asset(team, "video", origin="result", owner=creator)
    job = makers.job(team, creator, account=account, state=State.SUCCEEDED, result=video)
    maker = makers.job(
        team,
        creator,
        "animate-anyone-template-gen2",
        account=account,
        state=State.SUCCEEDED,
        files={"video_url": video},
    )
    template = makers.template(team, account, video)
    deleted(team, maker, creator)
    one = deleted(team, job, creator)
    due(one)
    trash_sweep.work()
    assert not Deletion.objects.filter(pk=one.pk).exists()
    kept = Template.everything.get(pk=template.pk)
    assert kept.asset is None or Asset.objects.filter(pk=kept.asset_id).exists()


def test_a_video_that_two_jobs_show_comes_back_with_either(
    team: Team, creator: User, account: Account
) -> None:
    video = makers.asset(team, "video", origin="result", owner=creator)
    first, second = (
        makers.job(team, creator, account=account, state=State.SUCCEEDED, result=video)
        for _ in range(2)
    )
    one, other = deleted(team, first, creator), deleted(team, second, creator)
    trash.restore([one], creator, others=True)
    first.refresh_from_db()
    assert first.group == Group.DONE
    assert team.assets.filter(pk=video.pk).exists(), "its job is back, so its video is"
    due(other)
    trash_sweep.work()
    assert not Deletion.objects.filter(pk=other.pk).exists()
    first.refresh_from_db()
    assert first.result_id == video.pk
    assert team.assets.filter(pk=video.pk).exists()


def test_a_video_stays_restorable_with_the_job_that_still_is(
    team: Team, creator: User, account: Account
) -> None:
    video = makers.asset(team, "video", origin="result", owner=creator)
    first, second = (
        makers.job(team, creator, account=account, state=State.SUCCEEDED, result=video)
        for _ in range(2)
    )
    one, other = deleted(team, first, creator), deleted(team, second, creator)
    due(other)
    assert trash_sweep.work() == 1
    one.refresh_from_db()
    assert (one.files, one.videos, one.size) == (1, 1, video.size)
    trash.restore([one], creator, others=True)
    first.refresh_from_db()
    assert first.result_id == video.pk
    assert team.assets.filter(pk=video.pk).exists()
    again = deleted(team, first, creator)
    due(again)
    assert trash_sweep.work() == 1
    assert not Asset.everything.filter(pk=video.pk).exists()


def test_what_cannot_be_erased_keeps_nothing_else(
    team: Team, creator: User, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [
        makers.job(
            team,
            creator,
            account=account,
            state=State.SUCCEEDED,
            result=makers.asset(team, "video", origin="result", owner=creator),
        )
        for _ in range(2)
    ]
    one, other = (deleted(team, job, creator) for job in jobs)
    due(one, other)
    erase = trash_sweep.erase_rows

    def breaks(assets: list[Asset]) -> None:
        if any(asset.pk == jobs[0].result_id for asset in assets):
            raise ProtectedError("something names it", set())
        erase(assets)

    monkeypatch.setattr(trash_sweep, "erase_rows", breaks)
    assert trash_sweep.work() == 1
    assert list(Deletion.objects.all()) == [one]


def test_what_was_asked_for_is_erased_with_what_became_of_it(
    team: Team, creator: User, account: Account
) -> None:
    one = JobSet.objects.create(team=team, owner=creator, kind="batch", title="Secret launch")
    first, second = (
        makers.job(team, creator, account=account, state=State.FAILED, set=one) for _ in range(2)
    )
    asked = makers.pending_order(
        team, creator, title="Secret launch", state="ordered", job=first, answer="Secret"
    )
    kept = makers.pending_order(team, creator, title="Secret launch", state="ordered", set=one)
    due(deleted(team, first, creator))
    assert trash_sweep.work() == 1
    asked.refresh_from_db()
    kept.refresh_from_db()
    one.refresh_from_db()
    assert "Secret" not in f"{asked.title} {asked.wish} {asked.answer}"
    assert not asked.wish["orders"][0]["names"]
    assert (kept.title, one.title) == ("Secret launch", "Secret launch"), "another video is left"
    due(deleted(team, second, creator))
    assert trash_sweep.work() == 1
    kept.refresh_from_db()
    one.refresh_from_db()
    assert "Secret" not in f"{kept.title} {kept.wish} {one.title}"
