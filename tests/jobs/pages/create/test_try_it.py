"""“Try it without a key”: on a site with a simulator, one click to a draft of sample files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobs.accounts.endpoints import SIMULATOR_KEYS
from jobs.models import Account
from jobs.simulator import Simulator
from studio.models import Consent, Team, User
from tests.html import parse, text

pytestmark = pytest.mark.django_db(transaction=True)
ClientOf = Callable[[User], Client]
SAID = "Videos are simulated on this site"


@pytest.fixture
def simulator(settings: Any) -> Iterator[Simulator]:
    with Simulator(speed=1000) as running:
        settings.MODELSTUDIO_URL, settings.SIMULATED = running.url, True
        yield running


def offered(client: Client, team: Team) -> bool:
    page = client.get(reverse("jobs:account_new", args=[team.slug])).content.decode()
    return parse(page).has(f"form[action='{reverse('jobs:try_it', args=[team.slug])}']")


def test_one_click_leads_to_a_draft_that_lacks_only_the_check(
    simulator: Simulator, team: Team, owner: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    assert offered(client, team)
    page = client.post(reverse("jobs:try_it", args=[team.slug]), follow=True)
    html = page.content.decode()
    assert page.status_code == 200
    assert "The picture is not checked yet." in text(html)
    assert SAID in text(html)
    assert parse(html).one("[name=title]")["value"] == "My first video"
    assert Consent.objects.filter(by=owner).count() == 2
    key = Account.objects.get(team=team).keys.get()
    assert key.secret.startswith(SIMULATOR_KEYS)
    assert not offered(client, team), "there is a connection now"
    assert client.post(reverse("jobs:try_it", args=[team.slug])).status_code == 404


def test_nothing_is_tried_where_videos_cost_money(
    team: Team, owner: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    assert not offered(client, team)
    assert SAID not in text(client.get(reverse("library", args=[team.slug])).content.decode())
    assert client.post(reverse("jobs:try_it", args=[team.slug])).status_code == 404
    assert not Account.objects.filter(team=team).exists()


def test_who_may_not_add_a_connection_may_not_try(
    team: Team, viewer: User, client_of: ClientOf, settings: Any
) -> None:
    settings.SIMULATED = True
    assert client_of(viewer).post(reverse("jobs:try_it", args=[team.slug])).status_code == 403
