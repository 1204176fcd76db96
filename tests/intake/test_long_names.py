"""Names of Chinese, accented and Hebrew letters, as long as a file system allows, from an upload to
the zip and the download."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.pages.board.player import file_name
from jobs.pages.board.zip_download import names
from studio.files.edit_queue import name_of
from studio.files.names import clean_name
from studio.media import Facts

KANJI = "漢" * 85
NAMES = {
    "85 kanji": KANJI,
    "rare kanji of four bytes": "𠮷" * 85,
    "accents apart": unicodedata.normalize("NFD", "é" * 120),
    "Hebrew": "שלום עולם " * 20,
    "Hindi": "हिन्दी " * 20,
    "emoji of a family": "👨‍👩‍👧" * 40,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_name_fits_a_file_system(name: str) -> None:
    for ending in (".HEIC", ".jpeg", ""):
        kept = clean_name(NAMES[name] + ending, "jpg")
        assert kept.endswith(".jpg")
        assert len(kept.encode()) <= 255
        assert len(kept) <= 120
        assert kept[:8] == unicodedata.normalize("NFC", NAMES[name])[:8]


@pytest.mark.parametrize("name", NAMES)
def test_what_was_done_to_a_file_fits_into_its_name(name: str) -> None:
    asset: Any = SimpleNamespace(
        name=clean_name(NAMES[name], "jpg"), extension="jpg", origin="upload", parent=None
    )
    facts = Facts("image", "jpeg", "image/jpeg", "jpg", 1, 600, 800)
    made = name_of(asset, {"do": "picture", "box": [0, 0, 600, 800], "angle": 2.0}, facts)
    assert made.endswith("3:4.jpg")
    assert len(made.encode()) <= 255


@pytest.mark.parametrize("name", NAMES)
def test_the_names_in_a_zip_fit_and_none_comes_twice(name: str) -> None:
    jobs: list[Any] = [
        SimpleNamespace(pk=number, title=NAMES[name], result=SimpleNamespace(extension="mp4"))
        for number in range(12)
    ]
    found = names(jobs)
    assert len(set(found.values())) == 12
    assert all(len(one.encode()) <= 255 for one in found.values())
    assert all(one.endswith(".mp4") for one in found.values())


def test_accents_and_marks_stay_in_the_name_of_a_download() -> None:
    for title in ("Café", unicodedata.normalize("NFD", "Café"), "हिन्दी"):
        job: Any = SimpleNamespace(title=title)
        assert file_name(job, "mp4") == f"{unicodedata.normalize('NFC', title)}.mp4"
