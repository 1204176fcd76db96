"""Teams that keep videos and files for so many days: what is announced, what goes, what stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import tasks
from jobs.common.states import Group, State
from jobs.models import Account, Job, JobInput
from jobs.orders import retention, trash, trash_sweep
from studio.audit.events import Event
from studio.models import Asset, AuditEntry, Deletion, Team, User
from tests import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeping(team: Team) -> Team:
    """The team keeps things for 30 days."""
    team.keep_days = 30
    team.save(update_fields=["keep_days"])
    return team


def video(team: Team, owner: User, account: Account, days: float, **more: Any) -> Job:
    """A video that was made so many days ago."""
    film = makers.asset(team, "video", origin="result", owner=owner)
    at = timezone.now() - timedelta(days=days)
    job = makers.job(team, owner, account=account, state=State.SUCCEEDED, result=film, **more)
    Job.objects.filter(pk=job.pk).update(finished_at=at)
    Asset.objects.filter(pk=film.pk).update(created_at=at)
    return job


def file(team: Team, owner: User, days: float) -> Asset:
    found = makers.asset(team, "image", owner=owner)
    Asset.objects.filter(pk=found.pk).update(created_at=timezone.now() - timedelta(days=days))
    return found


def later(days: float) -> None:
    """So many days go by for what was announced, and for when it is announced next."""
    for rows in (Job.objects, Asset.everything):
        for one in rows.exclude(goes_at=None):  # type: ignore[attr-defined]
            rows.filter(pk=one.pk).update(goes_at=one.goes_at - timedelta(days=days))  # type: ignore[attr-defined]
    Team.objects.update(ages_next_at=None)


def here(job: Job) -> bool:
    job.refresh_from_db()
    return job.group == Group.DONE


def test_an_old_video_is_announced_and_goes_a_week_later(
    keeping: Team, creator: User, account: Account
) -> None:
    old, young = (video(keeping, creator, account, days) for days in (100, 20))
    assert retention.due()
    assert retention.work() == 0
    old.refresh_from_db()
    young.refresh_from_db()
    assert old.goes_at is not None
    assert old.goes_at - timezone.now() > timedelta(days=6, hours=23)
    assert young.goes_at is None, "30 days are not over within a week"
    assert here(old)
    later(6.9)
    assert retention.work() == 0
    assert here(old)
    later(0.2)
    assert retention.due()
    assert retention.work() == 1
    assert not here(old)
    assert here(young)
    deletion = Deletion.objects.get()
    assert (deletion.reason, deletion.by_id, deletion.videos) == (Deletion.Reason.AGE, None, 1)
    assert deletion.remove_at - timezone.now() > timedelta(days=29)
    assert retention.work() == 0


def test_nothing_goes_where_nothing_was_said(team: Team, creator: User, account: Account) -> None:
    job = video(team, creator, account, 4000)
    assert not retention.due()
    retention.work()
    assert here(job)
    assert job.goes_at is None


def test_its_person_is_told_once(
    keeping: Team, creator: User, owner: User, account: Account
) -> None:
    for _ in range(12):
        video(keeping, creator, account, 100, title="Ours")
    video(keeping, owner, account, 100, title="Another one")
    retention.work()
    told = {one.to[0]: one for one in mail.outbox}
    assert set(told) == {creator.email, owner.email}
    assert "12 videos and files of yours" in told[creator.email].subject
    assert "- Ours" in told[creator.email].body
    assert "and 2 more" in told[creator.email].body
    assert "Another one" not in told[creator.email].body
    assert f"/t/{keeping.slug}/trash/soon/" in told[creator.email].body
    Team.objects.update(ages_next_at=None)
    retention.work()
    assert len(mail.outbox) == 2


def test_announced_once_a_day(keeping: Team, creator: User, account: Account) -> None:
    video(keeping, creator, account, 100)
    retention.work()
    late = video(keeping, creator, account, 100)
    retention.work()
    late.refresh_from_db()
    assert late.goes_at is None
    assert not retention.due()


def test_what_is_pinned_stays(keeping: Team, creator: User, account: Account) -> None:
    before, after, kept = (
        video(keeping, creator, account, 100),
        video(keeping, creator, account, 99),
        file(keeping, creator, 100),
    )
    assert retention.pin(keeping, [before], [kept], creator) == 2
    retention.work()
    assert retention.pin(keeping, [after], [], creator) == 1
    assert retention.pin(keeping, [after], [], creator) == 0, "it is pinned already"
    later(8)
    retention.work()
    assert here(before)
    assert here(after)
    assert keeping.assets.filter(pk=kept.pk).exists()
    told = list(AuditEntry.objects.filter(event=Event.PINNED).values_list("about", flat=True))
    assert len(told) == 3
    # And goes like others when it is let go, after a warning of its own
    retention.pin(keeping, [after], [], creator, stays=False)
    later(0)
    retention.work()
    after.refresh_from_db()
    assert after.goes_at is not None
    assert after.goes_at > timezone.now() + timedelta(days=6)


def test_another_time_is_announced_anew(keeping: Team, creator: User, account: Account) -> None:
    job = video(keeping, creator, account, 100)
    retention.work()
    Team.objects.update(keep_days=90)
    retention.changed(keeping)
    job.refresh_from_db()
    assert job.goes_at is None
    retention.work()
    job.refresh_from_db()
    assert job.goes_at is not None
    assert job.goes_at > timezone.now() + timedelta(days=6)
    later(8)
    Team.objects.update(keep_days=None)  # and somebody ends it at the last moment
    assert retention.work() == 0
    assert here(job)
    assert job.goes_at is None


def test_a_file_stays_as_long_as_something_is_made_of_it(
    keeping: Team, creator: User, account: Account
) -> None:
    used, unused = file(keeping, creator, 100), file(keeping, creator, 100)
    young = video(keeping, creator, account, 3)
    JobInput.objects.create(job=young, name="image", asset=used)
    retention.work()
    used.refresh_from_db()
    unused.refresh_from_db()
    assert used.goes_at is None
    assert unused.goes_at is not None
    # It is used again before its day has come
    JobInput.objects.create(job=young, name="audio", asset=unused)
    later(8)
    assert retention.work() == 0
    assert keeping.assets.filter(pk=unused.pk, goes_at=None).exists()
    # And when the video is gone, so are they in the end
    retention.work()
    JobInput.objects.all().delete()
    later(0)
    retention.work()
    later(8)
    assert retention.work() == 2


def test_what_a_job_under_way_needs_is_put_off(
    keeping: Team, creator: User, account: Account
) -> None:
    old = video(keeping, creator, account, 100)
    retention.work()
    running = makers.job(keeping, creator, account=account, state=State.RUNNING)
    assert old.result is not None
    JobInput.objects.create(job=running, name="video", asset=old.result)
    other = video(keeping, creator, account, 90)
    Job.objects.filter(pk=other.pk).update(goes_at=timezone.now() + retention.WARNING)
    later(8)
    retention.work()
    assert not here(other), "the first hides nobody behind it"
    kept = Asset.everything.get(pk=old.result_id)
    assert kept.deletion_id is None


def test_taken_out_of_the_trash_it_stays(keeping: Team, creator: User, account: Account) -> None:
    job = video(keeping, creator, account, 100)
    retention.work()
    later(8)
    retention.work()
    (found,) = trash.seen_by(keeping, creator, others=False)
    assert trash.erase_now([found], creator, others=False) == []
    assert trash.restore([found], creator, others=False) == [found]
    assert here(job)
    assert job.pinned
    later(8)
    retention.work()
    assert here(job)


def test_who_deletes_it_and_takes_it_back_is_warned_again(
    keeping: Team, creator: User, account: Account
) -> None:
    job = video(keeping, creator, account, 100)
    retention.work()
    done = trash.delete_jobs(keeping, [job], creator, others=False)
    trash.restore(done.deletions, creator, others=False)
    later(8)
    assert retention.work() == 0
    assert here(job)


def test_a_broken_row_hides_nobody(
    keeping: Team, creator: User, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (video(keeping, creator, account, days) for days in (100, 90))
    retention.work()
    later(8)
    right = trash.delete

    def wrong(targets: Any, *args: Any, **more: Any) -> Any:
        if targets[0].job.pk == first.pk:
            raise ValueError("broken")
        return right(targets, *args, **more)

    monkeypatch.setattr(trash, "delete", wrong)
    assert retention.work() == 1
    assert here(first)
    assert not here(second)
    first.refresh_from_db()
    assert first.goes_at is not None
    assert first.goes_at > timezone.now()


def test_a_closed_team_keeps_what_it_has(keeping: Team, creator: User, account: Account) -> None:
    job = video(keeping, creator, account, 100)
    retention.work()
    later(8)
    Team.objects.update(closed_at=timezone.now())
    assert retention.work() == 0
    assert here(job)


def test_the_worker_does_it(
    keeping: Team, creator: User, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = video(keeping, creator, account, 100)
    tasks.trash_run()
    later(8)
    tasks.trash_run()
    assert not here(job)
    Deletion.objects.update(remove_at=timezone.now())
    assert trash_sweep.work() == 1


def test_what_it_costs_does_not_grow(keeping: Team, creator: User, account: Account) -> None:
    """Neither with what is young, nor with what is pinned."""

    def statements() -> int:
        Team.objects.update(ages_next_at=None)
        with CaptureQueriesContext(
            connection,
        ) as found:
            retention.work()
        return len(found)

    few = statements()
    for _ in range(15):
        video(keeping, creator, account, 3)
        retention.pin(keeping, [video(keeping, creator, account, 300)], [], creator)
    assert statements() == few


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plan")
def test_it_reads_by_an_index(keeping: Team) -> None:
    before = timezone.now()
    for rows, index in (
        (retention.old_jobs(keeping, before), "job_ageing"),
        (retention.old_files(keeping, before), "asset_ageing"),
        (Job.objects.filter(goes_at__lte=before).order_by("goes_at", "pk"), "job_going"),
        (retention.going_jobs(keeping), "job_going"),
        (retention.going_files(keeping), "asset_going"),
    ):
        assert index in rows.explain()
