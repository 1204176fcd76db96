"""A file that nobody names is removed; one that came again meanwhile never is, however long whoever
removes it slept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from studio.files import file_store, removals
from studio.models import Asset, FileRemoval, Team, User
from tests import files

NAME = "1/ab.jpg"


@pytest.fixture
def noted(db: object) -> FileRemoval:
    default_storage.save(NAME, ContentFile(b"old"))
    removals.note([NAME])
    return FileRemoval.objects.get()


def test_a_file_that_nobody_names_goes(noted: FileRemoval) -> None:
    assert removals.work() == 1
    assert not default_storage.exists(NAME)
    assert not FileRemoval.objects.exists()


def test_whoever_slept_does_not_remove_what_came_meanwhile(
    noted: FileRemoval, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took the file up and slept; another worker removed it; the same content was stored."""
    take = removals._take

    def slept(pk: int) -> object:
        taken = take(pk)
        monkeypatch.setattr(removals, "_take", take)
        old = timezone.now() - removals.TAKEN_FOR - timedelta(seconds=1)
        FileRemoval.objects.filter(pk=pk).update(taken_at=old)
        assert removals.work() == 1
        default_storage.save(NAME, ContentFile(b"new"))
        return taken

    monkeypatch.setattr(removals, "_take", slept)
    removals.work()
    assert default_storage.open(NAME).read() == b"new"


def test_what_is_stored_while_a_removal_sleeps_has_another_name(
    team: Team, creator: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removals, "PATIENCE", 0.1)
    path = files.write(tmp_path, "face.jpg", files.jpeg())
    first, _new = file_store.keep(path, team=team, owner=creator, name="face.jpg")
    names = removals.names_of([first])
    Asset.everything.filter(pk=first.pk).delete()
    removals.note(names)
    taken = [removals._take(row.pk) for row in FileRemoval.objects.all()]
    assert all(taken)
    again, _new = file_store.keep(path, team=team, owner=creator, name="face.jpg")
    for name in names:  # it wakes up now
        default_storage.delete(name)
    assert set(removals.names_of([again])).isdisjoint(names)
    for name in removals.names_of([again]):
        assert default_storage.exists(name)
    monkeypatch.setattr(removals, "TAKEN_FOR", timedelta(0))
    removals.work()
    assert not FileRemoval.objects.exists()
    assert all(default_storage.exists(name) for name in removals.names_of([again]))
