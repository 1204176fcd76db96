"""A folder of files: dropped, chosen, sent in a row, cut off and gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import files
from tests.browser.maker import Maker
from tests.browser.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.flows]

DONE = "[data-run-count]:has-text('New:')"


def shoot(folder: Path, pictures: int = 14, speeches: int = 15, width: int = 600) -> Path:
    """A folder with folders in it: so many files of each kind, one that is no media, and what
    systems leave behind. Pictures of another `width` are others."""
    tree = folder / "shoot"
    (tree / "day 1" / "takes").mkdir(parents=True)
    for n in range(pictures):
        files.write(tree / "day 1", f"ana {n}.jpg", files.jpeg(width + n, 800))
    for n in range(speeches):
        files.write(tree / "day 1" / "takes", f"line {n}.wav", files.wav(seconds=2 + n / 10))
    files.write(tree, "call sheet.txt", b"Call at seven.\n" * 20)
    files.write(tree, ".DS_Store", b"\0" * 50)
    return tree


def drop_folder(hand: Person, where: str, folder: Path) -> None:
    """As the desktop drops one, which a script of the page could not play."""
    hand.files += 1
    hand.page.wait_for_load_state()
    box = hand.page.locator(where).first.bounding_box()
    assert box
    client = hand.page.context.new_cdp_session(hand.page)
    data: dict[str, Any] = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        client.send("Input.dispatchDragEvent", {"type": kind, "x": x, "y": y, "data": data})
    client.detach()


def sent(hand: Person) -> list[str]:
    """Grows with every file that goes up from now on."""
    seen: list[str] = []

    def note(asked: Any) -> None:
        if asked.method == "PUT":
            seen.append(asked.url)

    hand.page.on("request", note)
    return seen


def test_a_folder_of_thirty_files_becomes_a_batch_and_is_sent_once(maker: Maker) -> None:
    hand = maker.open("make/batch/?model=emo-v1")
    tree = shoot(maker.folder)
    first = sent(hand)
    drop_folder(hand, "form[data-upload] [data-drop]", tree)
    hand.see(DONE)
    assert hand.read("[data-run-count]") == "30 of 30. New: 29 · here already: 0 · not taken: 1"
    rows = hand.page.locator("[data-uploads] > li").all_inner_texts()
    assert len(rows) == 1, "only what somebody has to look at stays in the list"
    assert "call sheet.txt" in rows[0]
    assert "text" in rows[0]
    hand.until("document.querySelectorAll('tbody tr').length === 14")
    assert hand.page.locator("[data-cell]").count() == 14 * 15
    assert len(first) == 30
    hand.page.reload()
    again = sent(hand)
    drop_folder(hand, "form[data-upload] [data-drop]", tree)
    hand.see(DONE)
    assert hand.read("[data-run-count]") == "30 of 30. New: 0 · here already: 29 · not taken: 1"
    assert len(again) == 1, "what is here is not sent again"
    # the browser itself says that what is no media was refused, both times
    hand.wrong[:] = [one for one in hand.wrong if "status of 415" not in one]


def test_a_cut_connection_keeps_the_rest_and_goes_on(maker: Maker) -> None:
    hand = maker.open("library/")
    tree = shoot(maker.folder / "cut", pictures=6, speeches=0, width=700)
    (tree / "call sheet.txt").unlink()
    cut = {"on": True}

    def route(way: Any) -> None:
        if way.request.method == "PUT" and cut["on"] and "ana%202" in way.request.url:
            way.abort()
        else:
            way.continue_()

    hand.page.route("**/upload/**", route)
    hand.page.set_input_files("#upload-folder", tree)
    hand.see("[data-run-stopped]:not([hidden])")
    assert "The connection broke" in hand.read("[data-run-why]")
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    hand.page.once("dialog", stay)
    hand.page.evaluate("location.reload()")
    hand.page.wait_for_timeout(500)
    assert asked == ["beforeunload"], "leaving would lose what waits"
    cut["on"] = False
    before = sent(hand)
    hand.click("[data-run-on]")
    hand.until(
        "document.querySelector('[data-run-count]').textContent.startsWith('6 of 6. New: 6')"
    )
    assert all("ana%200" not in url and "ana%201" not in url for url in before)
    hand.see("#files :text('ana 5.jpg')")
    # the browser itself says that a request was cut
    hand.wrong[:] = [one for one in hand.wrong if "ERR_FAILED" not in one]


def test_more_files_than_the_hour_takes_are_told_before_the_first_goes(maker: Maker) -> None:
    hand = maker.open("library/")
    tree = maker.folder / "many"
    tree.mkdir(exist_ok=True)
    for n in range(301):
        files.write(tree, f"{n}.txt", b"x")
    puts = sent(hand)
    # None may go: this is about what is said.
    hand.page.route("**/upload/**", lambda way: way.abort())
    hand.page.set_input_files("#upload-folder", tree)
    words = hand.read("[data-run-warning]:not([hidden])")
    assert "more files in this hour" in words
    assert "The others wait" in words
    assert len(puts) <= 2
    hand.page.on("dialog", lambda dialog: dialog.accept())
    hand.page.goto("about:blank")
    hand.wrong[:] = [one for one in hand.wrong if "ERR_FAILED" not in one]
