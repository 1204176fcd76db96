"""Somebody at a browser during a storm: signs in, fills in the form, clicks twice, and clicks again
when nothing came back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import requests

from tests import html
from tests.chaos.cast import MODELS, PASSWORD, PEOPLE, placed


class Clicker(threading.Thread):
    """Makes the jobs `numbers` through the pages of `web`, one every `pause` seconds; `made` says
    how many are in line. Who holds `between_clicks` knows that none is under way; titles in
    `made_before` are not ordered again."""

    def __init__(self, web: str, told: dict[str, object], numbers: list[int], pause: float) -> None:
        super().__init__(name="clicker", daemon=True)
        self.web, self.told, self.numbers, self.pause = web, told, numbers, pause
        self.made = self.lost = 0
        self.trouble = ""
        self.leaving = threading.Event()
        self.between_clicks = threading.Lock()
        self.made_before: set[str] = set()
        self.session = requests.Session()
        self.session.trust_env = False

    def run(self) -> None:
        for number in self.numbers:
            while not self.leaving.is_set():
                try:
                    with self.between_clicks:
                        self._click(number)
                    break
                except (requests.RequestException, Again) as error:
                    self.lost += 1
                    self.trouble = str(error)[:300]
                    self.leaving.wait(0.5)
            if self.leaving.wait(self.pause):
                return

    def _click(self, number: int) -> None:
        if f"Take {number}" in self.made_before:
            self.made += 1
            return
        model, account = placed(number, len(self._list("accounts")))
        speech = self._list("speech")
        fields = {
            "model": model,
            "image_url": str(self.told["picture"]),
            "audio_url": speech[number % len(speech)],
            "account": self._list("accounts")[account],
            "title": f"Take {number}",
            "key": f"page-{number}",
            "page": "portrait",
            "do": "make",
        }
        assert model in MODELS
        page = f"{self.web}/t/{self.told['team']}/make/portrait/"
        places = set()
        for _ in range(2):  # a double click
            answer = self.session.post(
                page,
                {**fields, "csrfmiddlewaretoken": self._token(page)},
                timeout=20,
                allow_redirects=False,
            )
            place = answer.headers.get("Location", "")
            if answer.status_code != 302 or "/jobs/" not in place:
                raise Again(f"HTTP {answer.status_code} {place} {_heard(answer.text)}")
            places.add(place)
        assert len(places) == 1, f"one click became {places}"
        self.made += 1

    def _token(self, page: str) -> str:
        """The CSRF token of a session that is signed in."""
        if "sessionid" not in self.session.cookies:
            door = f"{self.web}/accounts/login/"
            token = _token_in(self.session.get(door, timeout=20))
            fields = {"login": PEOPLE[1], "password": PASSWORD, "csrfmiddlewaretoken": token}
            answer = self.session.post(
                door, fields, timeout=30, allow_redirects=False, headers={"Referer": door}
            )
            if answer.status_code != 302:
                raise Again(f"sign-in: HTTP {answer.status_code} {_heard(answer.text)}")
        return _token_in(self.session.get(page, timeout=20))

    def _list(self, name: str) -> list[str]:
        found = self.told[name]
        assert isinstance(found, list)
        return [str(one) for one in found]


class Again(Exception):
    """The page did not say that the job is in line."""


def _token_in(answer: requests.Response) -> str:
    tokens = html.parse(answer.text).values("input[name=csrfmiddlewaretoken]", "value")
    if not tokens:
        raise Again(f"no form: HTTP {answer.status_code} {_heard(answer.text)}")
    return tokens[0]


def _heard(page: str) -> str:
    """The words of a page, for the log of a failure."""
    if not page:
        return ""
    parsed = html.parse(page)
    return (parsed.first("main").text if parsed.has("main") else parsed.text)[:200]


def wait_until_quiet(clicker: Clicker, seconds: float, meanwhile: Callable[[], None]) -> None:
    """Come back when all clicks are made, doing `meanwhile` again and again; AssertionError with
    the last trouble when they are not."""
    end = time.monotonic() + seconds
    while clicker.is_alive():
        assert time.monotonic() < end, (
            f"the pages took {clicker.made} of {len(clicker.numbers)} clicks; last: "
            f"{clicker.trouble}"
        )
        meanwhile()
        clicker.join(0.2)
    assert clicker.made == len(clicker.numbers), (
        f"{clicker.made} of {len(clicker.numbers)} clicks; last: {clicker.trouble}"
    )
