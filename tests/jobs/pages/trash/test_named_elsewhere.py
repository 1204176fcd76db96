"""What lies in the trash, or is erased, is named by nothing that stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobs.common.states import State
from jobs.models import Account, Job
from jobs.orders import trash, trash_sweep
from studio.files import edit_queue
from studio.models import Asset, Deletion, Edit, Team, User
from tests import makers

ClientOf = Callable[[User], Client]
SECRET = "Secret launch"


@pytest.fixture
def files(team: Team, creator: User) -> dict[str, Asset]:
    return {
        "image_url": makers.asset(team, owner=creator, name="face.jpg"),
        "audio_url": makers.asset(team, "audio", owner=creator, name="voice.mp3"),
    }


@pytest.fixture
def job(team: Team, creator: User, account: Account, files: dict[str, Asset]) -> Job:
    return makers.job(
        team,
        creator,
        account=account,
        state=State.SUCCEEDED,
        result=makers.asset(team, "video", owner=creator, origin="result", name="film.mp4"),
        files=files,
        title=SECRET,
        chosen={"ratio": "3:4"},
    )


def delete(job: Job, by: User) -> Deletion:
    (one,) = trash.delete_jobs(job.team, [job], by, others=True).deletions
    return one


def erase(deletion: Deletion) -> None:
    Deletion.objects.filter(pk=deletion.pk).update(remove_at="2020-01-01T00:00Z")
    trash_sweep.work()


def test_its_files_do_not_say_what_was_made_of_them(
    job: Job, files: dict[str, Asset], creator: User, client_of: ClientOf
) -> None:
    page = files["image_url"].get_absolute_url()
    assert SECRET in client_of(creator).get(page).content.decode()
    delete(job, creator)
    said = client_of(creator).get(page).content.decode()
    assert SECRET not in said
    assert job.public_id not in said


def test_a_job_that_was_made_again_of_it_names_neither_it_nor_its_choices(
    job: Job, files: dict[str, Asset], team: Team, creator: User, client_of: ClientOf
) -> None:
    after = makers.job(
        team,
        creator,
        account=job.account,
        state=State.FAILED,
        files=files,
        title="After",
        again_of=job,
        chosen={"ratio": "1:1"},
    )
    client = client_of(creator)
    assert SECRET in client.get(after.get_absolute_url()).content.decode()
    one = delete(job, creator)
    for _erased in range(2):
        said = client.get(after.get_absolute_url()).content.decode()
        assert SECRET not in said
        assert "Changed from" not in said, "nobody knows any more what differs"
        assert "a video that was deleted since" in said
        erase(one)


def test_a_new_video_does_not_begin_as_it(job: Job, creator: User, client_of: ClientOf) -> None:
    url = reverse("jobs:portrait", args=["north"]) + f"?from={job.public_id}"
    begun = client_of(creator).get(url).content.decode()
    assert f'value="{job.public_id}"' in begun
    delete(job, creator)
    begun = client_of(creator).get(url).content.decode()
    assert f'value="{job.public_id}"' not in begun


def test_no_preset_is_kept_of_it(job: Job, team: Team, creator: User, client_of: ClientOf) -> None:
    delete(job, creator)
    url = reverse("jobs:preset_save", args=["north"])
    answer = client_of(creator).post(url, {"job": job.public_id, "preset_name": "Kept"})
    assert answer.status_code == 404
    assert not team.presets.exists()


def test_a_version_of_a_file_that_lies_in_the_trash_is_made_again(
    team: Team, creator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = makers.asset(team, "video", owner=creator)
    recipe: dict[str, Any] = {"do": "film", "hold": True}
    made = makers.asset(team, "video", owner=creator, origin="edit", parent=video, recipe=recipe)
    edit = Edit.objects.create(
        team=team,
        asset=video,
        owner=creator,
        recipe=recipe,
        word=edit_queue.recipe_hash(recipe),
        state=Edit.State.DONE,
        made=made,
    )
    assert edit_queue.ask(video, recipe, creator).state == Edit.State.DONE
    trash.delete_files(team, [made], creator, others=True)
    assert edit_queue.ask(video, recipe, creator).state == Edit.State.WAITING
    assert Edit.objects.get().pk == edit.pk


def test_a_template_does_not_list_a_deleted_dance(
    team: Team, creator: User, account: Account, client_of: ClientOf
) -> None:
    template = makers.template(team, account)
    dance = makers.job(
        team,
        creator,
        "animate-anyone-gen2",
        account=account,
        state=State.FAILED,
        template=template,
        title=SECRET,
    )
    url = reverse("jobs:template_detail", args=["north", template.public_id])
    assert SECRET in client_of(creator).get(url).content.decode()
    delete(dance, creator)
    assert SECRET not in client_of(creator).get(url).content.decode()


def test_the_bill_names_it_no_more(job: Job, owner: User, client_of: ClientOf) -> None:
    client = client_of(owner)
    url = reverse("jobs:spend", args=["north"]) + "?format=csv"

    def bill() -> str:
        return b"".join(client.get(url).streaming_content).decode()  # type: ignore[attr-defined]

    assert SECRET in bill()
    delete(job, owner)
    assert job.public_id in bill()
    assert SECRET not in bill()
