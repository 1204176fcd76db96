"""Deleting into the trash, out of it again, and for ever: what goes with what, what is in the way,
and what stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from jobs.common.errors import Refused
from jobs.common.states import Group, State
from jobs.engine import invariants
from jobs.models import Account, Check, Job, JobInput, LedgerEntry, Template
from jobs.orders import create, trash, trash_sweep
from jobs.orders.order_request import OrderRequest
from studio.audit.events import Event
from studio.models import Asset, AuditEntry, Consent, Deletion, FileRemoval, Team, TeamUse, User
from tests import makers


def made(team: Team, owner: User, account: Account, **more: Any) -> Job:
    """A job with a finished video of its own."""
    film = makers.asset(team, "video", origin="result", owner=owner)
    return makers.job(team, owner, account=account, state=State.SUCCEEDED, result=film, **more)


def due(*deletions: Deletion) -> None:
    """Their time in the trash is over."""
    Deletion.objects.filter(pk__in=[one.pk for one in deletions]).update(remove_at=timezone.now())


def delete(team: Team, *jobs: Job, by: User, others: bool = False, **more: Any) -> trash.Deleted:
    return trash.delete_jobs(team, jobs, by, others=others, **more)


# ── a video ───────────────────────────────────────────────────────────────────────────────────────


def test_a_video_goes_into_the_trash_and_comes_back(
    team: Team, creator: User, account: Account
) -> None:
    job = made(team, creator, account)
    film = job.result
    assert film is not None
    done = delete(team, job, by=creator)
    assert [one.name for one in done.deletions] == [job.title]
    assert not done.refused
    job.refresh_from_db()
    assert job.group == Group.DELETED
    assert not team.assets.filter(pk=film.pk).exists()
    assert default_storage.exists(film.file.name), "it is only in the trash"
    (deletion,) = done.deletions
    assert deletion.remove_at - timezone.now() > timedelta(days=29, hours=23)
    assert (deletion.files, deletion.videos, deletion.size) == (1, 1, film.size)

    assert trash.restore(done.deletions, creator, others=False) == done.deletions
    job.refresh_from_db()
    assert (job.group, job.deletion_id) == (Group.DONE, None)
    assert team.assets.filter(pk=film.pk).exists()
    assert not Deletion.objects.exists()
    told = list(AuditEntry.objects.order_by("pk").values_list("event", flat=True))
    assert told == [Event.VIDEO_DELETED, Event.RESTORED]


def test_erased_its_row_stays_as_a_shell_that_the_ledger_names(
    team: Team, creator: User, account: Account
) -> None:
    job = made(team, creator, account, title="Secret launch", provider_message="Secret launch")
    film = job.result
    assert film is not None
    film.thumb = default_storage.save(f"{team.pk}/{film.sha256}.thumb.webp", _file())
    film.save(update_fields=["thumb"])
    entries, broken = list(LedgerEntry.objects.values()), invariants.broken()
    done = delete(team, job, by=creator)
    assert trash_sweep.work() == 0, "not before its time"
    due(*done.deletions)
    assert trash_sweep.work() == 1
    job.refresh_from_db()
    assert job.result is None
    assert job.deletion_id is None
    assert job.erased_at is not None
    assert job.group == Group.DELETED
    assert "Secret" not in f"{job.title} {job.parameters} {job.full} {job.provider_message}"
    assert not JobInput.everything.filter(job=job).exists()
    assert not Asset.everything.filter(pk=film.pk).exists()
    for name in (film.file.name, film.thumb.name):
        assert not default_storage.exists(name), name
    assert list(LedgerEntry.objects.values()) == entries
    assert not FileRemoval.objects.exists()
    after = [said for said in invariants.broken() if "is its first" not in said]  # of the maker
    assert set(after) <= set(broken)
    assert trash_sweep.work() == 0, "a second sweep finds nothing"


def _file() -> Any:
    return SimpleUploadedFile("x.webp", b"a small picture")


def test_what_is_stored_counts_until_it_is_erased(
    team: Team, creator: User, account: Account
) -> None:
    job = made(team, creator, account)
    before = TeamUse.objects.get(team=team).stored_bytes
    assert job.result is not None
    done = delete(team, job, by=creator)
    assert TeamUse.objects.get(team=team).stored_bytes == before
    due(*done.deletions)
    trash_sweep.work()
    assert TeamUse.objects.get(team=team).stored_bytes == before - job.result.size


def test_a_job_under_way_stays_and_says_what_to_do(
    team: Team, creator: User, account: Account
) -> None:
    for state in (State.QUEUED, State.RUNNING, State.ARCHIVING, State.UNCERTAIN):
        job = makers.job(team, creator, account=account, state=state)
        done = delete(team, job, by=creator)
        assert done.deletions == []
        ((name, sentence),) = done.refused
        assert name == job.title
        assert "Cancel that" in str(sentence)
        job.refresh_from_db()
        assert job.group != Group.DELETED


def test_what_failed_is_deleted_too(team: Team, creator: User, account: Account) -> None:
    job = makers.job(team, creator, account=account, state=State.FAILED)
    done = delete(team, job, by=creator)
    assert [one.kind for one in done.deletions] == [Deletion.Kind.JOB]
    trash.restore(done.deletions, creator, others=False)
    job.refresh_from_db()
    assert job.group == Group.FAILED


def test_several_at_once_each_by_itself(team: Team, creator: User, account: Account) -> None:
    jobs = [made(team, creator, account) for _n in range(3)]
    waiting = makers.job(team, creator, account=account)
    done = delete(team, jobs[0], waiting, jobs[1], jobs[2], by=creator)
    assert len(done.deletions) == 3
    assert len(done.refused) == 1
    assert len(trash.restore(done.deletions[:2], creator, others=False)) == 2
    assert Deletion.objects.count() == 1


def test_deleted_twice_is_deleted_once(team: Team, creator: User, account: Account) -> None:
    job = made(team, creator, account)
    assert len(delete(team, job, by=creator).deletions) == 1
    again = delete(team, job, by=creator)
    assert (again.deletions, again.refused) == ([], [])
    assert Deletion.objects.count() == 1


def test_others_things_need_the_permission(
    team: Team, creator: User, admin: User, account: Account
) -> None:
    job = made(team, admin, account)
    done = delete(team, job, by=creator)
    assert done.deletions == []
    assert "not yours" in str(done.refused[0][1])
    mine = delete(team, job, by=admin, others=True)
    assert len(mine.deletions) == 1
    assert trash.restore(mine.deletions, creator, others=False) == []
    assert list(trash.seen_by(team, creator, others=False)) == []
    assert len(trash.restore(mine.deletions, admin, others=True)) == 1


def test_a_video_that_another_job_has_too_stays(
    team: Team, creator: User, account: Account
) -> None:
    first = made(team, creator, account)
    second = makers.job(team, creator, account=account, state=State.SUCCEEDED, result=first.result)
    done = delete(team, first, by=creator)
    due(*done.deletions)
    trash_sweep.work()
    second.refresh_from_db()
    assert second.result is not None
    assert default_storage.exists(second.result.file.name)
    assert team.assets.filter(pk=second.result_id).exists()


def test_its_files_go_along_when_nothing_else_uses_them(
    team: Team, creator: User, account: Account
) -> None:
    portrait = makers.asset(team, owner=creator)
    speeches = [makers.asset(team, "audio", owner=creator) for _n in range(2)]
    jobs = [
        made(team, creator, account, files={"image_url": portrait, "audio_url": speech})
        for speech in speeches
    ]
    done = delete(team, jobs[0], by=creator, files=True)
    assert not team.assets.filter(pk=speeches[0].pk).exists()
    assert team.assets.filter(pk=portrait.pk).exists(), "the other video is made of it"
    trash.restore(done.deletions, creator, others=False)
    assert team.assets.filter(pk=speeches[0].pk).exists()


# ── a file ────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_that_finished_jobs_had_goes_and_its_videos_stay(
    team: Team, creator: User, account: Account
) -> None:
    portrait = makers.asset(team, owner=creator)
    speech = makers.asset(team, "audio", owner=creator)
    job = made(team, creator, account, files={"image_url": portrait, "audio_url": speech})
    done = trash.delete_files(team, [portrait], creator, others=False)
    assert [row.name for row in job.inputs.all()] == ["audio_url"]
    due(*done.deletions)
    trash_sweep.work()
    job.refresh_from_db()
    assert job.result is not None
    assert [row.name for row in JobInput.everything.filter(job=job)] == ["audio_url"]
    with pytest.raises(Refused, match="is missing"):
        create.again(job, creator)


def test_a_file_that_a_job_under_way_needs_stays(
    team: Team, creator: User, account: Account
) -> None:
    portrait = makers.asset(team, owner=creator)
    makers.job(
        team,
        creator,
        account=account,
        files={"image_url": portrait, "audio_url": makers.asset(team, "audio")},
    )
    done = trash.delete_files(team, [portrait], creator, others=False)
    assert done.deletions == []
    assert "waits or runs and needs it" in str(done.refused[0][1])
    assert team.assets.filter(pk=portrait.pk).exists()


def test_a_picture_that_is_being_checked_stays(team: Team, creator: User, account: Account) -> None:
    portrait = makers.asset(team, owner=creator)
    check = makers.check(portrait, account, state="asking")
    done = trash.delete_files(team, [portrait], creator, others=False)
    assert "is checking it" in str(done.refused[0][1])
    Check.objects.filter(pk=check.pk).update(state="passed")
    assert len(trash.delete_files(team, [portrait], creator, others=False).deletions) == 1


def test_an_order_for_a_file_in_the_trash_is_refused(
    team: Team, creator: User, account: Account
) -> None:
    portrait = makers.asset(team, owner=creator)
    makers.check(portrait, account, chosen={"ratio": "1:1"})
    order = OrderRequest(
        team,
        creator,
        "emo-v1",
        {"image_url": portrait, "audio_url": makers.asset(team, "audio")},
        {"ratio": "1:1"},
        None,
        None,
        account,
        "",
        "",
    )
    trash.delete_files(team, [portrait], creator, others=False)
    with pytest.raises(Refused, match="deleted meanwhile"):
        create.create(order)
    assert not team.jobs.exists()
    assert not LedgerEntry.objects.exists()


def test_a_dance_video_goes_with_its_template(team: Team, creator: User, account: Account) -> None:
    video = makers.asset(team, "video", owner=creator)
    template = makers.template(team, account, video)
    done = trash.delete_files(team, [video], creator, others=False)
    assert not team.templates.exists()
    trash.restore(done.deletions, creator, others=False)
    assert team.templates.get() == template
    done = trash.delete_files(team, [video], creator, others=False)
    due(*done.deletions)
    trash_sweep.work()
    assert not Template.everything.exists()


# ── a person's likeness ───────────────────────────────────────────────────────────────────────────


def test_a_portrait_goes_with_everything_made_of_it(
    team: Team, creator: User, account: Account
) -> None:
    portrait = makers.asset(team, owner=creator)
    crop = makers.asset(team, owner=creator, origin="edit", parent=portrait)
    speech = makers.asset(team, "audio", owner=creator)
    job = made(team, creator, account, files={"image_url": crop, "audio_url": speech})
    held = makers.asset(team, "video", owner=creator, origin="edit", parent=job.result)
    check = makers.check(crop, account)
    other = made(team, creator, account)
    done = trash.delete_files(team, [portrait], creator, others=False, whole=True)
    (deletion,) = done.deletions
    assert deletion.kind == Deletion.Kind.LIKENESS
    assert (deletion.files, deletion.videos) == (4, 1)
    here = set(team.assets.values_list("pk", flat=True))
    assert not here & {portrait.pk, crop.pk, job.result_id, held.pk}
    assert {speech.pk, other.result_id} <= here
    due(deletion)
    trash_sweep.work()
    gone = {portrait.pk, crop.pk, job.result_id, held.pk}
    assert not Asset.everything.filter(pk__in=gone).exists()
    assert not Consent.objects.filter(asset__in=gone).exists()
    check.refresh_from_db()
    assert (check.facts, check.asset_id) == ({}, None)
    assert check.sha256 != crop.sha256
    for asset in (portrait, crop, job.result, held):
        assert asset is not None
        assert not default_storage.exists(asset.file.name)


def test_a_portrait_of_which_others_made_videos_needs_the_permission(
    team: Team, creator: User, admin: User, account: Account
) -> None:
    portrait = makers.asset(team, owner=creator)
    speech = makers.asset(team, "audio", owner=admin)
    made(team, admin, account, files={"image_url": portrait, "audio_url": speech})
    done = trash.delete_files(team, [portrait], creator, others=False, whole=True)
    assert done.deletions == []
    assert "not yours" in str(done.refused[0][1])
    done = trash.delete_files(team, [portrait], admin, others=True, whole=True)
    assert len(done.deletions) == 1
