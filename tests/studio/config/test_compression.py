"""Pages are compressed for the person who looks at them, and not for another site that asks."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from django.test import Client

from studio.models import Team, User

GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def member(team: Team, owner: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(owner)


def test_a_page_is_compressed(team: Team, member: Client) -> None:
    answer = member.get(f"/t/{team.slug}/team/", headers=GZIP | {"Sec-Fetch-Site": "same-origin"})
    assert answer["Content-Encoding"] == "gzip"
    plain = gzip.decompress(answer.content)
    assert b"Studio North" in plain
    assert len(answer.content) < len(plain) / 2
    assert {"Accept-Encoding", "Sec-Fetch-Site", "Cookie"} <= set(answer["Vary"].split(", "))


@pytest.mark.parametrize("site", ["cross-site", "same-site", ""])
def test_what_another_site_asked_for_is_not(team: Team, member: Client, site: str) -> None:
    """A browser that does not say who asked is not believed."""
    answer = member.get(f"/t/{team.slug}/team/", headers=GZIP | {"Sec-Fetch-Site": site})
    assert "Content-Encoding" not in answer
    assert "Sec-Fetch-Site" in answer["Vary"]


@pytest.mark.parametrize(
    "path", ["/accounts/email/", "/t/north/keys/", "/accounts/password/change/"]
)
def test_pages_with_secrets_are_not(team: Team, member: Client, path: str) -> None:
    answer = member.get(path, headers=GZIP | {"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer


def test_the_length_of_the_same_page_is_not_the_same(team: Team, member: Client) -> None:
    lengths = {
        len(
            member.get(
                f"/t/{team.slug}/team/", headers=GZIP | {"Sec-Fetch-Site": "same-origin"}
            ).content
        )
        for _ in range(8)
    }
    assert len(lengths) > 1
