"""What lies in the trash and comes again, and a sweep that is cut off or meets others."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from jobs.engine import invariants
from jobs.models import Account
from jobs.orders import trash, trash_sweep
from studio.files import file_store, removals
from studio.media import MediaError
from studio.models import Asset, Consent, Deletion, Edit, FileRemoval, Team, User
from tests import files, makers


def due(*deletions: Deletion) -> None:
    """Their time in the trash is over."""
    Deletion.objects.filter(pk__in=[one.pk for one in deletions]).update(remove_at=timezone.now())


# ── the same content again ────────────────────────────────────────────────────────────────────────


def upload(team: Team, owner: User, content: bytes, name: str = "again.png") -> tuple[Asset, bool]:
    return file_store.keep(SimpleUploadedFile(name, content), team=team, owner=owner, name=name)


def test_uploaded_again_it_comes_back_in_the_name_of_who_brings_it(
    team: Team, creator: User, admin: User
) -> None:
    content = files.png()
    asset, new = upload(team, creator, content, "first.png")
    assert new
    Consent.objects.create(asset=asset, said="The team may use it.")
    done = trash.delete_files(team, [asset], creator, others=False)
    again, new = upload(team, admin, content, "second.png")
    assert (again.pk, new) == (asset.pk, True)
    assert (again.owner, again.name) == (admin, "second.png")
    assert not Consent.objects.filter(asset=again).exists(), "the rights are asked for anew"
    due(*done.deletions)
    trash_sweep.work()
    assert default_storage.exists(again.file.name)
    assert team.assets.get() == again
    assert list(invariants.INVARIANTS["sums of storage"](invariants.Tally(False))) == []


def test_uploaded_after_it_was_erased_it_is_new(team: Team, creator: User) -> None:
    content = files.png()
    asset, _new = upload(team, creator, content)
    done = trash.delete_files(team, [asset], creator, others=False)
    due(*done.deletions)
    trash_sweep.work()
    assert not default_storage.exists(asset.file.name)
    again, new = upload(team, creator, content)
    assert new
    assert again.pk != asset.pk
    assert default_storage.exists(again.file.name)


# ── cut off and at the same time ──────────────────────────────────────────────────────────────────


def test_a_sweep_that_is_cut_off_goes_on(
    team: Team, creator: User, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash_sweep, "PORTION", 2)
    portrait = makers.asset(team, owner=creator)
    crops = [makers.asset(team, owner=creator, origin="edit", parent=portrait) for _n in range(6)]
    (deletion,) = trash.delete_files(team, [portrait], creator, others=False, whole=True).deletions
    due(deletion)
    assert trash_sweep._portion(deletion.pk) is False
    left = Asset.everything.filter(team=team).count()
    assert 0 < left < 7
    assert FileRemoval.objects.count() == 7 - left
    assert trash.restore([deletion], creator, others=False) == [], "it is being erased"
    trash_sweep.work()
    assert not Asset.everything.filter(team=team).exists()
    assert not any(default_storage.exists(one.file.name) for one in (portrait, *crops))


def test_who_died_over_a_file_is_replaced_after_a_while(team: Team, creator: User) -> None:
    asset = makers.asset(team, owner=creator)
    (deletion,) = trash.delete_files(team, [asset], creator, others=False).deletions
    due(deletion)
    while not trash_sweep._portion(deletion.pk):
        pass
    FileRemoval.objects.update(taken_at=timezone.now())
    assert removals.work() == 0
    FileRemoval.objects.update(taken_at=timezone.now() - removals.TAKEN_FOR)
    assert removals.work() == 1
    assert not default_storage.exists(asset.file.name)


def test_taken_out_before_the_sweep_comes_it_stays(team: Team, creator: User) -> None:
    asset = makers.asset(team, owner=creator)
    (deletion,) = trash.delete_files(team, [asset], creator, others=False).deletions
    due(deletion)
    trash.restore([deletion], creator, others=False)
    assert trash_sweep._portion(deletion.pk) is True
    assert team.assets.get() == asset


def test_erased_at_once_when_somebody_asks_for_it(team: Team, creator: User) -> None:
    asset = makers.asset(team, owner=creator)
    done = trash.delete_files(team, [asset], creator, others=False)
    assert trash.erase_now(done.deletions, creator, others=False) == done.deletions
    assert trash.restore(done.deletions, creator, others=False) == []
    trash_sweep.work()
    assert not default_storage.exists(asset.file.name)


def test_what_is_being_made_of_a_file_does_not_outlive_it(
    team: Team, creator: User, tmp_path: Any
) -> None:
    parent = makers.asset(team, owner=creator)
    waiting = Edit.objects.create(
        team=team, asset=parent, owner=creator, recipe={"do": "picture"}, word="w"
    )
    trash.delete_files(team, [parent], creator, others=False)
    waiting.refresh_from_db()
    assert waiting.state == Edit.State.FAILED
    made = files.write(tmp_path, "crop.png", files.png())
    with pytest.raises(MediaError):
        file_store.keep(
            made, team=team, owner=creator, name="crop.png", origin="edit", parent=parent
        )
    assert not team.assets.exists()
    assert not FileRemoval.objects.exists()
