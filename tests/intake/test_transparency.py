"""What is behind a transparent picture is asked for before its check is paid; grey of sixteen bits
and print colours stay what they are."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from jobs.models import Account, Check
from studio.files import file_store
from studio.media import normalise_image, probe, thumbnail
from studio.media.edits import BEHIND, edit_picture
from studio.models import Asset, Team, User
from tests import files
from tests.html import text

ClientOf = Callable[[User], Client]


def cut_out(mode: str = "RGBA") -> bytes:
    """The same in another mode."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(files.cut_out())) as picture:
        if mode == "P":
            few = picture.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
            few.save(out, "PNG", transparency=few.getpixel((0, 0)))
        else:
            picture.convert(mode).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_a_picture_through_which_something_shows_says_so(tmp_path: Path, mode: str) -> None:
    path = files.write(tmp_path, "in", cut_out(mode))
    facts = probe(path)
    assert facts.codec == "transparent"
    assert normalise_image(path, facts, tmp_path / "out").codec == "transparent"


def test_a_channel_that_is_opaque_all_over_is_not_transparent(tmp_path: Path) -> None:
    out = io.BytesIO()
    files.quarters(60, 60).convert("RGBA").save(out, "PNG")
    assert probe(files.write(tmp_path, "in", out.getvalue())).codec == ""
    assert probe(files.write(tmp_path, "j", files.jpeg(60, 60))).codec == ""


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize("behind", BEHIND)
def test_what_is_chosen_is_behind(tmp_path: Path, mode: str, behind: str) -> None:
    path = files.write(tmp_path, "in", cut_out(mode))
    facts = edit_picture(path, tmp_path / "out", behind=behind)
    assert facts.codec == ""
    with Image.open(tmp_path / "out") as opened:
        picture: Any = opened.convert("RGB")
    red, green, blue = picture.getpixel((5, 5))
    level = {"white": 255, "grey": 128, "black": 0}.get(behind)
    if level is not None:
        assert (red, green, blue) == (level, level, level)
    else:
        assert green <= red + 2, "colours that were never to be seen stay unseen"
    middle = picture.getpixel((300, 300))
    assert middle[0] > middle[1] or mode == "LA"


@pytest.mark.django_db
def test_it_is_asked_before_the_check_is_paid(
    client_of: ClientOf, creator: User, team: Team, account: Account, tmp_path: Path
) -> None:
    path = files.write(tmp_path, "in", cut_out())
    asset, _ = file_store.keep(path, team=team, owner=creator, name="cut out.png")
    page = reverse("jobs:portrait", args=[team.slug])
    html = client_of(creator).get(page, {"image_url": asset.public_id}).content.decode()
    said = text(html)
    assert "Parts of the picture are transparent" in said
    for words in ("Put white behind it", "Put black behind it", "Blur its own colours behind it"):
        assert words in said
    assert 'value="behind-blur:image_url"' in html
    assert 'value="check"' not in html
    fix = reverse("jobs:fix", args=[team.slug])
    client_of(creator).post(
        fix,
        {
            "page": "portrait",
            "model": "emo-v1",
            "image_url": asset.public_id,
            "fix": "behind-grey:image_url",
        },
    )
    made = Asset.objects.get(parent=asset)
    assert (made.codec, made.recipe["behind"]) == ("", "grey")
    assert not Check.objects.filter(asset=asset).exists()


def test_sixteen_bits_of_grey_have_a_grey_small_picture(tmp_path: Path) -> None:
    ramp = Image.frombytes(
        "I;16", (256, 40), b"".join((x * 257).to_bytes(2, "little") for x in range(256)) * 40
    )
    out = io.BytesIO()
    ramp.save(out, "PNG")
    path = files.write(tmp_path, "in", out.getvalue())
    thumbnail(path, probe(path), tmp_path / "t")
    with Image.open(tmp_path / "t") as opened:
        shown: Any = opened.convert("L")
    for x in (10, 100, 200):
        assert abs(shown.getpixel((x, 20)) - x) < 8


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_moving_pictures_are_refused_by_name(tmp_path: Path, format: str) -> None:
    from studio.media import MediaError

    make = files.moving_png if format == "PNG" else files.moving_webp
    with pytest.raises(MediaError, match="moves"):
        probe(files.write(tmp_path, "in", make()))
