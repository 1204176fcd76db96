"""Edits of videos, which a worker makes."""

from __future__ import annotations

import errno
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rq.timeouts import JobTimeoutException

from studio.common import leases
from studio.files import edit_queue, file_store
from studio.models import Asset, Edit, Team, User
from tests import files

SHORT = {"do": "film", "stop": 500}


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    bells: list[int] = []
    monkeypatch.setattr("jobs.common.wakeup.enqueue_edit", bells.append)
    return bells


def kept(team: Team, by: User, name: str, data: bytes) -> Asset:
    return file_store.keep(SimpleUploadedFile(name, data), team=team, owner=by, name=name)[0]


@pytest.fixture
def video(team: Team, creator: User) -> Asset:
    return kept(team, creator, "steps.mp4", files.mp4(1.0))


def run(edit: Edit) -> Edit:
    edit_queue.step(edit.pk)
    edit.refresh_from_db()
    return edit


# ── a video, by a worker ──────────────────────────────────────────────────────────────────────────
def test_a_video_is_made_by_whoever_hears_the_bell(
    video: Asset, owner: User, rung: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        edit = edit_queue.ask(video, SHORT, owner)
        assert rung == [], "not before the row is there for a worker"
        assert edit_queue.ask(video, dict(SHORT), owner) == edit
    assert (rung, edit.state, edit_queue.due()) == ([edit.pk], "waiting", [edit.pk])
    done = run(edit)
    assert (done.state, done.sentence, edit_queue.due()) == ("done", "", [])
    assert done.made is not None
    assert (done.made.parent, done.made.milliseconds <= 540) == (video, True)


def test_a_finished_edit_is_not_made_again(
    video: Asset, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(edit_queue.ask(video, SHORT, owner))
    monkeypatch.setattr(edit_queue, "_make", lambda *args: pytest.fail("made a second time"))
    again = edit_queue.ask(video, SHORT, owner)
    assert (again, again.made) == (first, first.made)
    edit_queue.step(first.pk)


def test_an_edit_whose_file_was_deleted_is_made_anew(video: Asset, owner: User) -> None:
    first = run(edit_queue.ask(video, SHORT, owner))
    assert first.made is not None
    file_store.forget(first.made)
    again = edit_queue.ask(video, SHORT, owner)
    assert (again.pk, again.state) == (first.pk, "waiting")
    assert run(again).made is not None


def test_only_one_worker_makes_it(
    video: Asset, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit, makes = edit_queue.ask(video, SHORT, owner), []

    def make(*args: Any) -> Asset:
        makes.append(1)
        edit_queue.step(edit.pk)  # a second worker, while the first is at it
        return video

    monkeypatch.setattr(edit_queue, "_make", make)
    assert (run(edit).state, makes) == ("done", [1])


@pytest.mark.django_db(transaction=True)
def test_a_long_edit_stays_with_its_worker_and_a_dead_one_is_free_within_a_minute(
    video: Asset, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it takes, the lease is renewed while it is worked on; what is written at the end
    counts."""
    monkeypatch.setattr(leases, "EVERY", 0.02)
    edit, began = edit_queue.ask(video, SHORT, owner), []

    def make(*args: Any) -> Asset:
        first = Edit.objects.get().lease_until
        assert first is not None
        for _wait in range(500):
            until = Edit.objects.get().lease_until
            if until is not None and until > first:
                break
            time.sleep(0.02)
        began.append(until is not None and until > first)
        edit_queue.step(edit.pk)
        return video

    monkeypatch.setattr(edit_queue, "_make", make)
    assert (run(edit).state, edit.made, began) == ("done", video, [True])
    assert timedelta(seconds=3 * 10) < edit_queue.LEASE <= timedelta(minutes=1)


def death(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*args: Any) -> Asset:
        raise SystemExit(9)

    monkeypatch.setattr(edit_queue, "_make", die)


def expire() -> None:
    Edit.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def test_after_a_death_another_worker_takes_it_up_once_the_lease_is_over(
    video: Asset, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = edit_queue.ask(video, SHORT, owner)
    with monkeypatch.context() as dying:
        death(dying)
        with pytest.raises(SystemExit):
            edit_queue.step(edit.pk)
    assert edit_queue.due() == [], "its lease runs"
    assert run(edit).state == "working"
    expire()
    assert edit_queue.due() == [edit.pk]
    assert run(edit).state == "done"


def test_a_video_that_every_worker_died_over_is_given_up_with_a_sentence_and_may_be_tried_again(
    video: Asset, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = edit_queue.ask(video, SHORT, owner)
    with monkeypatch.context() as dying:
        death(dying)
        for _death in range(edit_queue.TRIES):
            with pytest.raises(SystemExit):
                edit_queue.step(edit.pk)
            expire()
        run(edit)
    assert (edit.state, edit.sentence) == (
        "failed",
        "The file could not be made over. Export it again and upload it.",
    )
    assert edit_queue.due() == []
    again = edit_queue.ask(video, SHORT, owner)
    assert (again.state, again.tries, again.sentence) == ("waiting", 0, "")
    assert run(again).state == "done"


def test_a_wish_that_the_video_cannot_meet_is_told_at_once(video: Asset, owner: User) -> None:
    edit = run(edit_queue.ask(video, {"do": "film", "start": 5000, "stop": 6000}, owner))
    assert (edit.state, edit.tries) == ("failed", 1)
    assert "choose an earlier part" in edit.sentence
    assert Asset.objects.count() == 1


def test_a_full_disk_is_not_blamed_on_the_video(
    video: Asset, owner: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*args: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    edit = edit_queue.ask(video, SHORT, owner)
    with monkeypatch.context() as disk:
        disk.setattr(edit_queue, "keep", full)
        assert run(edit).state == "working"
        assert edit.lease_until is not None
        assert edit.lease_until < timezone.now() + timedelta(seconds=40), (
            "soon again, not after the lease of a death"
        )
        for _try in range(edit_queue.TRIES):
            expire()
            run(edit)
    assert edit.state == "failed"
    assert "could not be written here" in edit.sentence
    assert not list(tmp_path.glob("edit-*")), "nothing is left lying about"


def test_what_takes_too_long_is_told_at_once_and_not_tried_again(
    video: Asset, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*args: Any) -> Asset:
        raise JobTimeoutException("Task exceeded maximum timeout value (1800 seconds)")

    edit = edit_queue.ask(video, SHORT, owner)
    monkeypatch.setattr(edit_queue, "_make", endless)
    assert (run(edit).state, edit.tries) == ("failed", 1)
    assert "longer than half an hour" in edit.sentence


def test_a_disk_that_has_room_again_is_enough(
    video: Asset, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = edit_queue.ask(video, SHORT, owner)
    with monkeypatch.context() as disk:
        disk.setattr(
            edit_queue,
            "keep",
            lambda *args, **options: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")),
        )
        run(edit)
    expire()
    assert (run(edit).state, edit.sentence) == ("done", "")


def test_the_late_result_of_a_lost_lease_changes_nothing(
    video: Asset, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was thought dead comes back after another one has given up."""
    edit = edit_queue.ask(video, SHORT, owner)

    def slow(*args: Any) -> Asset:
        Edit.objects.update(state="failed", lease_until=None, sentence="Given up.")
        return video

    monkeypatch.setattr(edit_queue, "_make", slow)
    assert (run(edit).state, edit.made) == ("failed", None)
