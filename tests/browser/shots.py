"""Pictures of every page in both themes and at two widths: `python -m tests.browser.shots [--only
NAME] [--to DIR]`.

Starts a studio of its own, fills it, and prints one line per page: bytes of its HTML, and what is
wrong with it. Ends with 1 when anything is: an error on the console, a request that leaves the
host, a page wider than the window, too many bytes, a forgotten page.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

LARGEST = 150_000  # bytes of HTML, before pictures and videos
HIGHEST = 16_000  # pixels; what is higher than Chromium can paint at once keeps a lower window


def main() -> int:
    parser = ArgumentParser(
        prog="python -m tests.browser.shots",
        description="Pictures of every page, and what is wrong with each.",
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="NAME",
        help="only pages whose name begins with it; several with commas",
    )
    parser.add_argument(
        "--to",
        default="var/shots",
        metavar="DIR",
        type=Path,
        help="where the pictures go (default %(default)s)",
    )
    options = parser.parse_args()
    # Asked to stop in the middle, it takes its studio with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(
        prefix="footlight-shots-", ignore_cleanup_errors=True
    ) as folder:
        # The addresses are read from the settings, which make a folder for data: not the one of a
        # studio that may run here.
        os.environ |= {"DATA_DIR": f"{folder}/own", "DJANGO_SETTINGS_MODULE": "studio.settings"}
        import django

        django.setup()
        from playwright.sync_api import sync_playwright

        from tests.browser import pages, site

        if site.CHROMIUM is None:
            print("Chromium is not installed (apt install chromium).", file=sys.stderr)
            return 1
        options.to.mkdir(parents=True, exist_ok=True)
        with site.running(Path(folder)) as studio:
            told = site.filled(studio)
            with (
                site.debugging(studio) as debug,
                sync_playwright() as driver,
                pages.cast(driver, studio.address, told, debug) as cast,
            ):
                return shoot(cast, options.to, options.only)


def shoot(cast: object, to: Path, only: str) -> int:
    from tests.browser.pages import Cast

    assert isinstance(cast, Cast)
    scenes, complaints = cast.scenes()
    bad = len(complaints)
    for scene in scenes:
        if not scene.name.startswith(tuple(only.split(","))):
            continue
        size, wrong = 0, []
        for look in cast.look(scene, again=True):
            picture(look.page, look.width, to / f"{scene.name}-{look.width}-{look.theme}.png")
            size = max(size, look.html_bytes)
            wrong += [f"{sentence} ({look.theme}, {look.width})" for sentence in look.wrong]
        if size > LARGEST:
            wrong.append(f"more than {LARGEST // 1000} kB of HTML")
        bad += bool(wrong)
        print(
            f"{scene.name:34} {size / 1000:6.1f} kB  "
            f"{'ok' if not wrong else '; '.join(dict.fromkeys(wrong))}",
            flush=True,
        )
    for complaint in complaints:
        print(complaint)
    print(
        f"{bad} wrong" if bad else "nothing is wrong",
        f"in {len(scenes)} pages; pictures are in {to}",
    )
    return 1 if bad else 0


def picture(page: Any, width: int, path: Path) -> None:
    """The whole page in a window as high as itself: in a lower one the bar at its edge would lie
    across the middle."""
    before = page.viewport_size
    page.set_viewport_size(
        {
            "width": width,
            "height": max(
                before["height"],
                min(HIGHEST, page.evaluate("document.documentElement.scrollHeight")),
            ),
        }
    )
    page.screenshot(path=path, full_page=True)
    page.set_viewport_size(before)


if __name__ == "__main__":
    sys.exit(main())
