"""Where forms send people afterwards: to addresses of this site, and no word breaks a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from studio.models import Team, User
from tests import files, makers

WORDS = (
    "abc",
    "home",
    "jobs:board",
    "",
    "\x00",
    "http://[::1",
    "//[::1",
    "//evil.example/x",
    "https://evil.example/",
    "javascript:alert(1)//",
)


@pytest.mark.parametrize("word", WORDS)
def test_forms_lead_to_this_site_only(
    team: Team, creator: User, client_of: Callable[[User], Client], word: str
) -> None:
    client = client_of(creator)
    job = makers.job(team, creator)
    template = makers.template(team, makers.account(team))
    base = f"/t/{team.slug}/"
    picture: Any = files.jpeg()
    file = SimpleUploadedFile("p.jpg", picture, "image/jpeg")
    posts: dict[str, dict[str, Any]] = {
        f"{base}jobs/{job.public_id}/cancel/": {},
        f"{base}templates/{template.public_id}/": {"name": "Walk"},
        f"{base}library/upload/": {"files": file},
    }
    for path, fields in posts.items():
        answer = client.post(path, fields | {"next": word})
        assert answer.status_code == 302, path
        assert answer["Location"].startswith(base), path


def test_forms_lead_back(team: Team, creator: User, client_of: Callable[[User], Client]) -> None:
    job = makers.job(team, creator)
    path = f"/t/{team.slug}/jobs/{job.public_id}/cancel/"
    answer = client_of(creator).post(path, {"next": f"/t/{team.slug}/?group=waiting"})
    assert answer["Location"] == f"/t/{team.slug}/?group=waiting"


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("page", ["login", "signup", "logout", "password/change", "email"])
def test_pages_of_signing_in_take_any_word(
    team: Team, owner: User, client_of: Callable[[User], Client], word: str, page: str
) -> None:
    fields = {"login": "aiko@example.com", "password": "correct horse", "next": word}
    for client in (Client(), client_of(owner)):
        for answer in (
            client.get(f"/accounts/{page}/", {"next": word}),
            client.post(f"/accounts/{page}/", fields),
        ):
            assert answer.status_code < 500
            assert "evil.example" not in answer.get("Location", "").split("?")[0]
