"""Files that cost far more than their size: kept within the limits, or refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.media import MediaError, decoders
from studio.media.decoders import pool
from studio.media.decoders.limits import LOOK, Limits
from tests import bombs

# That one would take its whole limit, which is only as long as a slow machine needs.
SLOW = {"scans.jpg"}


@pytest.mark.parametrize("name", [name for name in bombs.BOMBS if name not in SLOW])
def test_a_bomb_is_kept_or_refused_with_its_sentence(name: str, tmp_path: Path) -> None:
    maker, words = bombs.BOMBS[name]
    path, folder = tmp_path / name, tmp_path / "folder"
    path.write_bytes(maker())
    folder.mkdir()
    if words:
        with pytest.raises(MediaError) as caught:
            decoders.prepare(path, "", folder, clean=True)
        assert words in caught.value.sentence
        assert not list(folder.glob("*.part"))
    else:
        assert decoders.prepare(path, "", folder, clean=True).path.exists()


def test_a_picture_in_thousands_of_scans_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "p.jpg"
    path.write_bytes(bombs.many_scans())
    args = {"path": str(path), "digest": "", "folder": str(tmp_path), "clean": True}
    with pytest.raises(MediaError) as caught:
        pool.run("studio.media.decoders.work:prepared", args, Limits(2, LOOK.clock))
    assert bombs.BOMBS["scans.jpg"][1] in caught.value.sentence
