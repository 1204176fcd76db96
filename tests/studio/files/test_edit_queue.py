"""Files made from files: once per recipe, inherited consent, and edits of videos that survive
deaths and full disks."""

from __future__ import annotations

import errno
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from studio.files import edit_queue, file_store, names
from studio.media import MediaError, probe
from studio.models import Asset, Consent, Edit, Team, User
from tests import files

SHORT = {"do": "film", "stop": 500}


def kept(team: Team, by: User, name: str, data: bytes) -> Asset:
    return file_store.keep(SimpleUploadedFile(name, data), team=team, owner=by, name=name)[0]


@pytest.fixture
def picture(team: Team, creator: User) -> Asset:
    return kept(team, creator, "Mia.jpg", files.jpeg(640, 800))


@pytest.fixture
def video(team: Team, creator: User) -> Asset:
    return kept(team, creator, "steps.mp4", files.mp4(1.0))


def run(edit: Edit) -> Edit:
    edit_queue.step(edit.pk)
    edit.refresh_from_db()
    return edit


# ── at once ───────────────────────────────────────────────────────────────────────────────────────
def test_a_crop_is_a_file_of_its_own_beside_its_parent(picture: Asset, owner: User) -> None:
    made = edit_queue.change(picture, {"do": "picture", "box": [40, 50, 440, 550]}, owner)
    assert (made.width, made.height, made.origin, made.parent, made.owner) == (
        400,
        500,
        "edit",
        picture,
        owner,
    )
    assert probe(made.file.path).width == 400
    assert (Asset.objects.get(pk=picture.pk).width, Path(picture.file.path).exists()) == (640, True)


def test_the_same_recipe_twice_is_one_file(
    picture: Asset, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = {"do": "picture", "box": [40, 50, 440, 550], "format": "png"}
    first = edit_queue.change(picture, recipe, owner)
    monkeypatch.setitem(
        edit_queue._MAKERS, "picture", lambda *args: pytest.fail("made a second time")
    )
    assert edit_queue.change(picture, dict(recipe), owner) == first
    assert Asset.objects.count() == 2


def test_two_ways_to_the_same_content_are_one_file(picture: Asset, owner: User) -> None:
    """A box that goes over the edge is cut to the picture, so the bytes are the same."""
    made = [
        edit_queue.change(
            picture, {"do": "picture", "box": [0, 0, 640, height], "format": "png"}, owner
        )
        for height in (800, 900)
    ]
    assert made[0] == made[1]


def test_what_cannot_be_made_leaves_nothing(picture: Asset, owner: User) -> None:
    with pytest.raises(MediaError, match="400 px that its short side needs"):
        edit_queue.change(
            picture, {"do": "picture", "box": [0, 0, 100, 100], "min_side": 400}, owner
        )
    assert Asset.objects.get() == picture


def test_sound_is_cut_and_parted(team: Team, owner: User) -> None:
    sound = kept(team, owner, "hello.ogg", files.ogg(2.0))
    cut = edit_queue.change(sound, {"do": "cut", "start": 500, "stop": 1500}, owner)
    parted = edit_queue.change(sound, {"do": "without", "cuts": [[0, 500], [1000, 1250]]}, owner)
    assert (cut.format, cut.milliseconds) == ("wav", 1000)
    assert abs(parted.milliseconds - 1250) <= 20


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (
            {"do": "picture", "box": [1, 1, 2, 2], "angle": 2.5, "max_bytes": 9},
            ["straightened", "cropped"],
        ),
        ({"do": "picture", "format": "jpeg", "min_side": 400}, ["converted"]),
        ({"do": "cut", "start": 0, "stop": 9}, ["cut"]),
        ({"do": "film", "fps": 24.0, "stop": 9000}, ["cut", "made 24 frames per second"]),
        ({"do": "film", "start": 0, "max_bytes": 9}, []),
    ],
)
def test_a_recipe_in_words(recipe: dict[str, Any], said: list[str]) -> None:
    assert edit_queue.words(recipe) == said


# ── names ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        ({"do": "picture", "box": [0, 0, 600, 800]}, "Mia, cropped 3:4.jpg"),
        ({"do": "picture", "box": [0, 0, 401, 400]}, "Mia, cropped 1:1.jpg"),
        (
            {"do": "picture", "box": [0, 0, 512, 704], "angle": 1.5},
            "Mia, straightened, cropped 512 × 704.jpg",
        ),
        ({"do": "picture", "format": "png", "min_side": 400}, "Mia, converted.png"),
        ({"do": "picture", "max_side": 500}, "Mia, made to fit.jpg"),
    ],
)
def test_a_childs_name_says_what_was_done(
    picture: Asset, owner: User, recipe: dict[str, Any], name: str
) -> None:
    assert edit_queue.change(picture, recipe, owner).name == name


def test_sound_and_video_say_what_is_left_of_them(team: Team, video: Asset, owner: User) -> None:
    sound = kept(team, owner, "hello.wav", files.wav(2.0))
    cut = edit_queue.change(sound, {"do": "cut", "start": 500, "stop": 1500}, owner)
    assert cut.name == "hello, cut 0.5–1.5 s.wav"
    assert (
        edit_queue.change(cut, {"do": "cut", "start": 250, "stop": 750}, owner).name
        == "hello, cut 0.8–1.2 s.wav"
    )
    parted = edit_queue.change(sound, {"do": "without", "cuts": [[500, 1000], [1900, 3000]]}, owner)
    assert parted.name == "hello, cut to 1.4 s.wav"
    made = run(
        edit_queue.ask(video, {"do": "film", "start": 200, "stop": 600, "fps": 30}, owner)
    ).made
    assert made is not None
    assert made.name == "steps, cut 0.2–0.6 s, 30 frames per second.mp4"


@pytest.mark.parametrize("orphan", [False, True])
def test_a_child_that_is_edited_again_is_told_once(
    picture: Asset, owner: User, orphan: bool
) -> None:
    child = edit_queue.change(
        picture, {"do": "picture", "box": [0, 0, 600, 800], "format": "png"}, owner
    )
    if orphan:
        file_store.forget(picture)
        child.refresh_from_db()
    again = edit_queue.change(child, {"do": "picture", "box": [0, 0, 500, 500]}, owner)
    assert again.name == "Mia, cropped 1:1, converted.png"
    assert (
        edit_queue.change(again, {"do": "picture", "box": [0, 0, 300, 400]}, owner).name
        == "Mia, cropped 3:4, converted.png"
    )


def test_a_long_name_keeps_its_end(team: Team, owner: User) -> None:
    picture = kept(team, owner, "a" * 300 + ".jpg", files.jpeg(640, 800))
    name = edit_queue.change(picture, {"do": "picture", "box": [0, 0, 400, 400]}, owner).name
    assert (len(name), name.endswith("a, cropped 1:1.jpg")) == (names.NAME_LENGTH, True)


# ── a disk that is full, a file that is gone ──────────────────────────────────────────────────────
def test_a_full_disk_is_a_sentence_while_the_page_waits(
    picture: Asset, owner: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        edit_queue,
        "keep",
        lambda *args, **options: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")),
    )
    with pytest.raises(MediaError, match="could not be written here"):
        edit_queue.change(picture, {"do": "picture", "box": [0, 0, 400, 400]}, owner)
    assert (Asset.objects.get(), list(tmp_path.glob("edit-*"))) == (picture, [])


def test_a_stored_file_that_is_missing_is_a_sentence_at_once(
    picture: Asset, video: Asset, owner: User
) -> None:
    for asset in (picture, video):
        asset.file.storage.delete(str(asset.file.name))
    with pytest.raises(MediaError, match=r"“Mia\.jpg” is missing"):
        edit_queue.change(picture, {"do": "picture", "box": [0, 0, 400, 400]}, owner)
    edit = run(edit_queue.ask(video, SHORT, owner))
    assert (edit.state, "is missing" in edit.sentence) == ("failed", True)


# ── consent ───────────────────────────────────────────────────────────────────────────────────────
def test_the_first_word_stands(picture: Asset, owner: User, creator: User) -> None:
    first = edit_queue.consent(picture, owner, "The team may use this person’s likeness.")
    assert edit_queue.consent(picture, creator, "Another one") == first
    assert (Consent.objects.get().by, Consent.objects.get().said) == (
        owner,
        "The team may use this person’s likeness.",
    )


def test_what_is_made_of_a_file_inherits_who_said_what_and_when(
    picture: Asset, owner: User, creator: User
) -> None:
    said = edit_queue.consent(picture, owner, "Yes.")
    Consent.objects.update(at=timezone.now() - timedelta(days=3))
    made = edit_queue.change(picture, {"do": "picture", "box": [0, 0, 400, 400]}, creator)
    again = edit_queue.change(made, {"do": "picture", "box": [0, 0, 300, 300]}, creator)
    said.refresh_from_db()
    for child in (made, again):
        assert (child.consent.by, child.consent.said, child.consent.at) == (owner, "Yes.", said.at)


def test_a_word_reaches_what_was_made_before_it_and_not_the_parent(
    picture: Asset, owner: User
) -> None:
    made = edit_queue.change(picture, {"do": "picture", "box": [0, 0, 400, 400]}, owner)
    last = edit_queue.change(made, {"do": "picture", "box": [0, 0, 300, 300]}, owner)
    edit_queue.consent(made, owner, "Yes.")
    assert {row.asset for row in Consent.objects.all()} == {made, last}


def test_a_file_that_was_there_before_inherits_too(team: Team, picture: Asset, owner: User) -> None:
    recipe = {"do": "picture", "box": [0, 0, 400, 400], "format": "png"}
    twin = edit_queue.change(picture, recipe, owner)
    Asset.objects.filter(pk=twin.pk).update(parent=None, origin="upload", recipe={})
    edit_queue.consent(picture, owner, "Yes.")
    assert not Consent.objects.filter(asset=twin).exists()
    assert edit_queue.change(picture, recipe, owner) == twin
    assert twin.consent.by == owner
