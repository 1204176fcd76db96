"""The pages of a team beside each other, and its table of roles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path, reverse
from django.utils import timezone

from studio.models import Membership, Role, Team, User
from studio.teams.access import TeamRequest, team_page
from studio.teams.permissions import Permission, allows
from studio.teams.team_pages import pages_of
from studio.urls import urlpatterns as of_the_site
from tests.html import parse, text

ClientOf = Callable[[User], Client]


@team_page(read=Permission.SET_LIMITS)
def limits(request: TeamRequest) -> HttpResponse:
    return HttpResponse("limits")


urlpatterns = [
    path("t/<slug:team>/team/limits/", limits, name="team_limits"),
    *[one for one in of_the_site if getattr(one, "name", "") != "team_limits"],
]


@pytest.mark.urls("tests.studio.teams.test_team_pages")
@pytest.mark.parametrize("role", list(Role))
def test_the_pages_of_a_team_are_those_that_the_role_may_open(team: Team, role: Role) -> None:
    user = User.objects.create_user("role@example.com", "correct horse")
    request = HttpRequest()
    request.path = f"/t/{team.slug}/team/"
    shown = pages_of(request, Membership.objects.create(team=team, user=user, role=role))
    found = {page.url: page.here for page in shown}
    assert found[f"/t/{team.slug}/team/"] is True
    assert (f"/t/{team.slug}/team/limits/" in found) == allows(role, Permission.SET_LIMITS)
    assert sum(found.values()) == 1


@pytest.mark.parametrize("role", list(Role))
def test_the_table_of_the_page_is_the_table(team: Team, role: Role, client_of: ClientOf) -> None:
    user = User.objects.create_user("role@example.com", "correct horse")
    Membership.objects.create(team=team, user=user, role=role)
    page = parse(client_of(user).get(f"/t/{team.slug}/team/").content)
    rows = page.all("table.roles tbody tr")
    assert len(rows) == len(Permission)
    for row, permission in zip(rows, Permission, strict=True):
        assert row.one("th").text == permission.label
        said = {cell.attributes["data-label"]: cell.text for cell in row.all("td")}
        assert said == {one.label: "yes" if allows(one, permission) else "no" for one in Role}
    yours = [cell.text for cell in page.all("table.roles thead th.yours")]
    assert yours == [f"{role.label} (you)"]


def test_a_closed_team_is_marked_and_says_so(
    team: Team, creator: User, client_of: ClientOf
) -> None:
    """It is closed for every role; another role would not help."""
    team.closed_at = timezone.now()
    team.erase_at = team.closed_at + timedelta(days=30)
    team.save(update_fields=["closed_at", "erase_at"])
    client = client_of(creator)
    assert "closed" in text(client.get(reverse("teams")))
    refused = client.get(reverse("jobs:portrait", args=[team.slug]))
    assert refused.status_code == 403
    page = text(refused)
    assert "The team is closed" in page
    assert "can reopen it" in page
    assert "your role" not in page.lower()
    other = client.get(reverse("team_settings", args=[team.slug]))
    assert "Not for your role" in text(other), "what the role may not do in any case"
