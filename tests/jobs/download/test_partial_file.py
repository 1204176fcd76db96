"""Downloads that were cut go on, and nothing is fetched twice; our own disk."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
from typing import Any

import pytest

from jobs import download
from tests.jobs.download.fetching import VIDEO, fetch
from tests.jobs.download.video_host import CHANGED, VideoHost, answer_with, cut_after

# ── going on ──────────────────────────────────────────────────────────────────────────────────────


def test_a_cut_video_is_gone_on_with(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [cut_after(120_000), cut_after(30_000)]
    for size in (120_000, 150_000):
        with pytest.raises(download.Interrupted, match=f"{size} of 200000"):
            fetch(host.url, part)
        assert part.size == size
    assert fetch(host.url, part) == download.Fetched(200_000, 150_000)
    assert host.asked == ["", "bytes=120000-", "bytes=150000-"]
    assert [headers.get("if-range") for headers in host.seen] == [None, '"v1"', '"v1"']
    assert host.sent == len(VIDEO), "no byte was sent twice"
    assert part.path.read_bytes() == VIDEO


def test_a_fresh_signature_goes_on_with_the_same_video(
    host: VideoHost, part: download.PartialFile
) -> None:
    host.answers = [cut_after(1000)]
    with pytest.raises(download.Interrupted):
        fetch(host.url, part)
    fetch(host.url.replace("secret", "newer"), part)
    assert host.asked[1] == "bytes=1000-"
    assert "secret" not in part.note_path.read_text(), "the note keeps no signature"


def test_another_address_is_another_video(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [cut_after(1000)]
    with pytest.raises(download.Interrupted):
        fetch(host.url, part)
    fetch(host.url.replace("video.mp4", "other.mp4"), part)
    assert host.asked[1] == ""
    assert part.path.read_bytes() == VIDEO


def test_a_video_that_changed_is_fetched_anew(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [cut_after(150_000)]
    with pytest.raises(download.Interrupted):
        fetch(host.url, part)
    host.video, host.tag = VIDEO[::-1][:180_000], '"v2"'
    assert fetch(host.url, part) == download.Fetched(180_000, 0)
    assert part.path.read_bytes() == host.video


def test_a_date_serves_where_there_is_no_tag(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [
        lambda handler: handler.send(
            200, VIDEO[:5000], ETag='W/"weak"', Last_Modified=CHANGED, Content_Length="200000"
        )
    ]
    with pytest.raises(download.Interrupted):
        fetch(host.url, part)
    host.tag = CHANGED
    fetch(host.url, part)
    assert host.seen[1]["if-range"] == CHANGED
    assert part.path.read_bytes() == VIDEO


def test_without_a_validator_it_begins_again(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [
        lambda handler: handler.send(200, VIDEO[:5000], ETag="", Content_Length="200000")
    ]
    with pytest.raises(download.Interrupted):
        fetch(host.url, part)
    fetch(host.url, part)
    assert host.asked == ["", ""]
    assert part.path.read_bytes() == VIDEO


@pytest.mark.parametrize(
    "lie",
    [
        "bytes 0-199999/200000",
        "bytes 120001-199999/200000",
        "bytes 120000-199998/200000",
        "bytes 120000-199999/200001",
        "bytes 120000-199999/*",
        "bytes */200000",
        "nonsense",
        "",
    ],
)
def test_a_piece_that_does_not_fit_is_not_taken(
    host: VideoHost, part: download.PartialFile, lie: str
) -> None:
    host.answers = [cut_after(120_000), answer_with(206, b"x" * 80_000, Content_Range=lie)]
    with pytest.raises(download.Interrupted):
        fetch(host.url, part)
    assert fetch(host.url, part) == download.Fetched(200_000, 0)
    assert host.asked == ["", "bytes=120000-", ""]
    assert part.path.read_bytes() == VIDEO


def test_a_piece_of_another_video_is_not_taken(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [
        cut_after(120_000),
        answer_with(206, b"x" * 80_000, Content_Range="bytes 120000-199999/200000", ETag='"v2"'),
    ]
    with pytest.raises(download.Interrupted):
        fetch(host.url, part)
    fetch(host.url, part)
    assert part.path.read_bytes() == VIDEO


def test_416_begins_again(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [cut_after(120_000), answer_with(416, Content_Range="bytes */90000")]
    with pytest.raises(download.Interrupted):
        fetch(host.url, part)
    fetch(host.url, part)
    assert part.path.read_bytes() == VIDEO


def test_a_piece_that_nobody_asked_for_is_refused(
    host: VideoHost, part: download.PartialFile
) -> None:
    host.answers = [answer_with(206, VIDEO[:100], Content_Range="bytes 0-99/200000")]
    with pytest.raises(download.UnexpectedAnswer, match="206"):
        fetch(host.url, part)


def test_a_whole_file_is_not_asked_for_again(host: VideoHost, part: download.PartialFile) -> None:
    fetch(host.url, part)
    assert fetch(host.url, part) == download.Fetched(len(VIDEO), len(VIDEO))
    assert len(host.seen) == 1


def test_a_note_that_is_torn_begins_again(host: VideoHost, part: download.PartialFile) -> None:
    host.answers = [cut_after(1000)]
    with pytest.raises(download.Interrupted):
        fetch(host.url, part)
    part.note_path.write_text(part.note_path.read_text()[:20])
    fetch(host.url, part)
    assert host.asked == ["", ""]
    assert part.path.read_bytes() == VIDEO


# ── our disk ──────────────────────────────────────────────────────────────────────────────────────


def test_no_room_is_seen_before_it_begins(
    host: VideoHost, part: download.PartialFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9 - 300_000, 300_000)
    )
    with pytest.raises(download.DiskFull, match="disk is full"):
        fetch(host.url, part, leave=lambda size: size)
    assert part.size == 0
    assert fetch(host.url, part, leave=lambda size: 50_000).size == len(VIDEO)


def test_a_disk_that_fills_up_keeps_what_came(
    host: VideoHost, part: download.PartialFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    host.answers = [cut_after(100_000)]
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(download.DiskFull):
            fetch(host.url, part)
    assert fetch(host.url, part).resumed_at == 100_000


def test_a_broken_disk_is_no_full_one(
    host: VideoHost, part: download.PartialFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(number: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output"):
        fetch(host.url, part)


def test_a_proven_part_stays_proven_until_a_byte_changes(
    host: VideoHost, part: download.PartialFile
) -> None:
    assert not part.proven
    fetch(host.url, part)
    assert not part.proven
    part.prove()
    assert download.PartialFile(part.path).proven
    with part.path.open("r+b") as file:
        file.seek(1000)
        file.write(b"\0")
    assert not part.proven
    part.delete()
    assert list(part.path.parent.iterdir()) == []


def _hold(path: str, held: Any, done: Any) -> None:
    with download.PartialFile(path).locked():
        held.set()
        done.wait(20)


def test_one_process_at_a_time(part: download.PartialFile) -> None:
    context = multiprocessing.get_context("fork")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(part.path), held, done))
    other.start()
    assert held.wait(10)
    with pytest.raises(download.AlreadyFetching), part.locked():
        pass
    done.set()
    other.join(10)
    with part.locked():
        part.delete()
    with part.locked():
        assert part.path.exists()


def test_the_note_is_small_and_says_what_is_needed(
    host: VideoHost, part: download.PartialFile
) -> None:
    fetch(host.url, part)
    assert json.loads(part.note_path.read_text()) == {
        "where": host.url.split("?")[0],
        "validator": '"v1"',
        "total": len(VIDEO),
        "proven": "",
    }
