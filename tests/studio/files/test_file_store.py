"""Keeping files once, whole, and under names of ours; letting go of them only when nothing needs
them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from studio.files import file_store, names
from studio.media import MediaError
from studio.models import Asset, Team, User
from tests import files, makers


def stored_names() -> list[str]:
    root = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def leftovers() -> list[str]:
    root = Path(settings.FILE_UPLOAD_TEMP_DIR)
    return sorted(
        path.name
        for path in root.iterdir()
        if path.name.startswith(("keep-", "upload-", "copy-", "tmp"))
    )


def put(data: bytes, name: str, team: Team, owner: User, **more: str) -> tuple[Asset, bool]:
    return file_store.keep(
        SimpleUploadedFile(name, data), team=team, owner=owner, name=name, **more
    )


def test_a_picture_is_stored_upright_without_its_place(team: Team, owner: User) -> None:
    data = files.jpeg(600, 800, exif_orientation=6, gps=True)
    asset, new = put(data, "IMG_1.JPG", team, owner)
    assert new
    assert asset.kind == "image"
    assert (asset.width, asset.height) == (800, 600)
    with asset.file.open() as file:
        stored = file.read()
    assert b"SecretCamera" not in stored
    assert b"Exif" not in stored
    assert Image.open(io.BytesIO(stored)).size == (800, 600)
    assert asset.source_sha256 == hashlib.sha256(data).hexdigest()
    assert asset.sha256 == hashlib.sha256(stored).hexdigest() != asset.source_sha256
    assert asset.size == len(stored)
    assert asset.file.name == f"{team.pk}/{asset.sha256}.jpg"
    assert asset.name == "IMG_1.jpg"
    assert stored_names() == [asset.file.name, asset.thumb.name]
    assert max(Image.open(asset.thumb.open()).size) <= 480
    assert leftovers() == []


def test_sound_and_video_have_their_facts(team: Team, owner: User) -> None:
    sound, _ = put(files.mp3(3.0), "speech.mp3", team, owner)
    assert (sound.kind, sound.thumb.name, len(sound.peaks)) == ("audio", "", 200)
    assert 2900 <= sound.milliseconds <= 3100
    video, _ = put(files.mp4(2.0, fps=25), "dance.mov", team, owner)
    assert (video.kind, video.format, video.name, video.peaks) == ("video", "mp4", "dance.mp4", [])
    assert video.fps == pytest.approx(25, abs=0.1)
    assert video.codec == "h264"
    assert video.thumb.name.endswith(".thumb.webp")


def test_the_same_content_is_kept_once_per_team(team: Team, owner: User, stranger: User) -> None:
    data = files.jpeg(500, 500, gps=True)
    first, new = put(data, "one.jpg", team, owner)
    again, second = put(data, "two.jpg", team, owner)
    assert new
    assert not second
    assert again.pk == first.pk
    assert again.name == "one.jpg"
    with first.file.open() as file:
        back = file.read()
    assert back != data
    # What was downloaded here and comes back is the same file too.
    assert put(back, "three.jpg", team, owner) == (first, False)
    other, fresh = put(data, "one.jpg", stranger.teams.get(), stranger)
    assert fresh
    assert other.pk != first.pk
    assert Asset.objects.count() == 2
    assert len(stored_names()) == 4


def test_two_sources_that_differ_in_metadata_alone_are_one_file(team: Team, owner: User) -> None:
    plain, with_place = files.jpeg(500, 500), files.jpeg(500, 500, gps=True)
    first, _ = put(plain, "plain.jpg", team, owner)
    second, new = put(with_place, "place.jpg", team, owner)
    assert second.pk == first.pk
    assert not new
    assert len(stored_names()) == 2


def test_a_path_stays_with_its_owner(team: Team, owner: User, tmp_path: Path) -> None:
    data = files.mp4(1.0)
    path = files.write(tmp_path, "video.mp4", data)
    asset, new = file_store.keep(
        path, team=team, owner=owner, name="Welcome line.mp4", origin="result"
    )
    assert new
    assert path.read_bytes() == data
    # A result is what the service sent, to the byte.
    assert asset.sha256 == asset.source_sha256 == hashlib.sha256(data).hexdigest()
    assert asset.origin == "result"
    with asset.file.open() as file:
        assert file.read() == data
    with file_store.local_copy(asset) as local:
        assert local.read_bytes() == data


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("portrait.jpg", files.html(), "unknown-type"),
        ("speech.mp3", files.archive(), "unknown-type"),
        ("portrait.png", files.truncated(files.jpeg(800, 800)), "broken"),
        ("big.png", files.png_bomb(30000, 30000), "too-large-picture"),
        ("empty.mp4", b"", "empty"),
        ("moves.gif", files.gif(), "not-supported"),
    ],
)
def test_bad_input_gets_a_sentence_and_leaves_nothing(
    name: str, data: bytes, code: str, team: Team, owner: User
) -> None:
    with pytest.raises(MediaError) as caught:
        put(data, name, team, owner)
    assert caught.value.code == code
    assert str(caught.value).endswith(".")
    assert not Asset.objects.exists()
    assert stored_names() == []
    assert leftovers() == []


def test_a_file_left_by_a_crash_is_used_and_a_half_one_replaced(
    team: Team, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = files.jpeg(500, 500)

    def crash(**fields: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(Asset.objects, "create", crash)
        with pytest.raises(RuntimeError):
            put(data, "one.jpg", team, owner)
    orphans = stored_names()
    assert len(orphans) == 2
    assert not Asset.objects.exists()
    picture = next(name for name in orphans if name.endswith(".jpg"))
    whole = Path(default_storage.path(picture)).read_bytes()
    Path(default_storage.path(picture)).write_bytes(whole[:100])
    asset, new = put(data, "one.jpg", team, owner)
    assert new
    assert stored_names() == orphans
    assert asset.file.name == picture
    assert Path(default_storage.path(picture)).read_bytes() == whole


def test_the_loser_of_a_race_gets_the_winners_file(
    team: Team, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = files.jpeg(500, 500)
    real = file_store._store

    def slower(ready: file_store._Prepared, stem: str, **fields: object) -> tuple[Asset, bool]:
        monkeypatch.setattr(file_store, "_store", real)
        put(data, "winner.jpg", team, owner)
        return real(ready, stem, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(file_store, "_store", slower)
    asset, new = put(data, "loser.jpg", team, owner)
    assert not new
    assert asset.name == "winner.jpg"
    assert Asset.objects.count() == 1
    assert len(stored_names()) == 2


def test_a_file_deleted_while_it_is_kept_again_is_there_afterwards(
    team: Team, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _first, _ = put(files.jpeg(500, 500), "one.jpg", team, owner)
    create = Asset.objects.create

    def late(**fields: object) -> Asset:
        for name in stored_names():
            default_storage.delete(name)
        return create(**fields)

    Asset.objects.all().delete()
    monkeypatch.setattr(Asset.objects, "create", late)
    again, new = put(files.jpeg(500, 500), "two.jpg", team, owner)
    assert new
    assert stored_names() == [again.file.name, again.thumb.name]


# ── letting go ────────────────────────────────────────────────────────────────────────────────────


def test_forgetting_takes_row_and_files(team: Team, owner: User) -> None:
    asset, _ = put(files.jpeg(500, 500), "one.jpg", team, owner)
    keep, _ = put(files.jpeg(500, 501), "two.jpg", team, owner)
    file_store.forget(asset)
    assert list(Asset.objects.all()) == [keep]
    assert stored_names() == sorted([keep.file.name, keep.thumb.name])


def test_a_file_in_use_stays_and_says_by_what(team: Team, owner: User) -> None:
    portrait, speech = makers.asset(team, "image"), makers.asset(team, "audio")
    jobs = [
        makers.job(
            team,
            owner,
            title=f"Welcome line {n}",
            files={"image_url": portrait, "audio_url": speech},
        )
        for n in range(5)
    ]
    with pytest.raises(file_store.InUse) as caught:
        file_store.forget(portrait)
    assert sorted(job.pk for job in caught.value.jobs) == sorted(job.pk for job in jobs)
    assert "job “Welcome line 4”" in str(caught.value)
    assert "2 more" in str(caught.value)
    assert Asset.objects.filter(pk=portrait.pk).exists()
    assert default_storage.exists(portrait.file.name)
    assert file_store.users_of(portrait) == caught.value.jobs


def test_a_result_and_the_video_of_a_template_stay(team: Team, owner: User) -> None:
    footage, account = makers.asset(team, "video", origin="result"), makers.account(team)
    makers.job(team, owner, title="Encore", result=footage, account=account)
    with pytest.raises(file_store.InUse, match="job “Encore”"):
        file_store.forget(footage)
    video = makers.asset(team, "video")
    makers.template(team, account, video, name="Waltz")
    with pytest.raises(file_store.InUse, match="dance template “Waltz”"):
        file_store.forget(video)


# ── names ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "extension", "shown"),
    [
        ("portrait.jpeg", "jpg", "portrait.jpg"),
        ("../../etc/passwd", "png", "passwd.png"),
        ("..\\..\\windows\\system.ini", "wav", "system.ini.wav"),
        ("..", "png", "untitled.png"),
        ("", "mp4", "untitled.mp4"),
        ("   ", "", "untitled"),
        ('say "hi".png', "png", "say 'hi'.png"),
        ("evil\u202egnp.exe", "png", "evilgnp.png"),
        ("a\x00b\r\nSet-Cookie: x\t.png", "png", "ab Set-Cookie: x.png"),
        (".htaccess", "jpg", "htaccess.jpg"),
        ("take 1.5", "wav", "take 1.5.wav"),
        ("photo.png", "jpg", "photo.jpg"),
        ("Résumé été.webp", "webp", "Résumé été.webp"),
        ("公演.mp4", "mp4", "公演.mp4"),
        ("folder/", "png", "folder.png"),
        ("welcome.png", "", "welcome.png"),
        ("\ud800broken.png", "png", "broken.png"),
    ],
)
def test_names_are_made_safe_and_stay_readable(name: str, extension: str, shown: str) -> None:
    assert names.clean_name(name, extension) == shown


def test_long_names_keep_their_type() -> None:
    assert names.clean_name("x" * 300 + ".jpeg", "jpg") == "x" * 116 + ".jpg"
    assert names.clean_name("y" * 300) == "y" * 120


def test_a_hostile_name_is_only_shown(team: Team, owner: User) -> None:
    asset, _ = file_store.keep(
        SimpleUploadedFile("x", files.png(500, 500)),
        team=team,
        owner=owner,
        name="../../../" + "n" * 300 + "\u202e.php",
    )
    assert asset.file.name == f"{team.pk}/{asset.sha256}.png"
    assert asset.name == "n" * 116 + ".png"
