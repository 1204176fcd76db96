"""One file of each person at a time, and a place in line that its person sees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studio.files import edit_queue
from studio.media.decoders import pool
from studio.media.decoders.pool import Pool
from studio.models import Asset, Edit, Team, User
from tests import makers

ClientOf = Callable[[User], Client]


def test_people_see_where_their_files_stand(
    client_of: ClientOf, creator: User, owner: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Pool(1, 1000)
    monkeypatch.setattr(pool, "_pool", own)
    for person, name in (
        (owner, "speech.mp3"),
        (creator, "dance.mp4"),
        (creator, "<p>.jpg"),
        (creator, "q.jpg"),
    ):
        own.line.enter(str(person.pk), name)
    url = reverse("file_line", args=[team.slug])
    assert client_of(creator).get(url).json() == {
        "files": [
            ["dance.mp4", ""],
            ["<p>.jpg", "In line: 1 file goes first"],
            ["q.jpg", "In line: 2 files go first"],
        ]
    }
    assert client_of(owner).get(url).json() == {"files": [["speech.mp3", ""]]}


@pytest.fixture
def edits(team: Team, creator: User, owner: User) -> list[Edit]:
    """Three of one person and then one of another, of videos that cannot be read."""
    asset: Asset = makers.asset(team, "video", b"no video")
    return [
        edit_queue.ask(asset, {"do": "film", "stop": stop}, by)
        for stop, by in ((1, creator), (2, creator), (3, creator), (4, owner))
    ]


def test_workers_make_one_edit_of_each_person_at_a_time(edits: list[Edit], owner: User) -> None:
    assert edit_queue.due() == [edits[0].pk, edits[3].pk]
    assert [edit_queue.ahead(edit) for edit in edits] == [0, 1, 2, 1]
    soon = timezone.now() + timedelta(minutes=1)
    Edit.objects.filter(pk=edits[0].pk).update(state="working", lease_until=soon)
    assert edit_queue.due() == [edits[3].pk]
    edit_queue.step(edits[1].pk)
    edits[1].refresh_from_db()
    assert (edits[1].state, edits[1].tries) == ("waiting", 0), "its owner has one under way"


def test_an_edit_wakes_the_next_of_its_owner(
    edits: list[Edit],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., object],
) -> None:
    woken: list[int] = []
    monkeypatch.setattr("jobs.common.wakeup.enqueue_edit", woken.append)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        edit_queue.step(edits[0].pk)
    edits[0].refresh_from_db()
    assert (edits[0].state, woken) == ("failed", [edits[1].pk])


def test_an_edit_whose_worker_died_is_taken_up_beside_those_that_wait(edits: list[Edit]) -> None:
    past = timezone.now() - timedelta(minutes=1)
    Edit.objects.filter(pk=edits[0].pk).update(state="working", lease_until=past)
    assert edit_queue.due() == [edits[0].pk, edits[3].pk]
