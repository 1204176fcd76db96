"""A session that ended while a page stood open: parts of pages lead the whole window to the sign-in
page, and from there back to the draft."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from studio.models import Team

pytestmark = pytest.mark.django_db
SITE = "http://testserver"
HTMX = {"HX-Request": "true"}


def led_to(address: str) -> tuple[str, str]:
    """The path of `address` and where it leads on."""
    parts = urlsplit(address)
    return parts.path, parse_qs(parts.query)["next"][0]


def test_a_part_of_a_page_is_never_the_sign_in_page(team: Team) -> None:
    page = reverse("jobs:portrait", args=[team.slug])
    shown = f"{SITE}{page}?title=Welcome&ratio=3:4"
    for answer in (
        Client().get(page, headers={**HTMX, "HX-Current-URL": shown}),
        Client().post(page, headers={**HTMX, "HX-Current-URL": shown}),
        Client().get(page, headers={"Accept": "application/json", "Referer": shown}),
    ):
        assert (answer.status_code, answer.content) == (401, b"")
        assert led_to(answer["HX-Redirect"]) == (
            reverse("account_login"),
            f"{page}?title=Welcome&ratio=3:4",
        )


@pytest.mark.parametrize("shown", ["https://evil.example/x", "//evil.example/", "javascript:1", ""])
def test_nobody_is_led_to_another_site(team: Team, shown: str) -> None:
    page = reverse("jobs:portrait", args=[team.slug])
    answer = Client().get(page, headers={**HTMX, "HX-Current-URL": shown})
    assert led_to(answer["HX-Redirect"])[1] == "/"


def test_a_page_leads_to_the_sign_in_page_as_ever(team: Team) -> None:
    page = reverse("jobs:board", args=[team.slug])
    answer = Client().get(page)
    assert answer.status_code == 302
    assert led_to(answer["Location"]) == (reverse("account_login"), page)


def test_a_form_that_was_sent_leads_back_to_its_page(team: Team) -> None:
    page = reverse("jobs:portrait", args=[team.slug])
    order = reverse("library", args=[team.slug])
    answer = Client().post(order, headers={"Referer": f"{SITE}{page}?title=A"})
    assert answer.status_code == 302
    assert led_to(answer["Location"])[1] == f"{page}?title=A"
