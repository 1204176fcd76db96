"""A connection goes to another region or address: with a key typed for it, and never from under
what runs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Account, Lane
from studio.models import Team, User
from tests import makers
from tests.jobs.pages.accounts.test_views import ClientOf, text, url
from tests.jobs.tinystudio import OTHER, Service


def move(north: Account, **change: str) -> dict[str, str]:
    place = {name: getattr(north, name) for name in ("region", "base_url", "workspace")}
    return {**place, **change}


def test_a_new_address_asks_for_the_key_again(
    team: Team, admin: User, client_of: ClientOf, north: Account, service: Service
) -> None:
    """Whoever may edit an account may not learn its keys by sending them to a server of their
    own."""
    elsewhere = Service()
    client = client_of(admin)
    door = url("account_move", team, north.public_id)
    try:
        page = text(client.post(door, move(north, base_url=elsewhere.url)))
        assert "This field is required" in page
        assert elsewhere.asked == []
        client.post(door, move(north, base_url=elsewhere.url, secret=OTHER))
        assert {key for _path, key, _workspace in elsewhere.asked} == {OTHER}
    finally:
        elsewhere.close()
    north.refresh_from_db()
    assert north.base_url == elsewhere.url
    assert [key.last4 for key in north.keys.filter(active=True)] == [OTHER[-4:]]


@pytest.mark.parametrize("name", ["account_new", "account", "account_move"])
def test_a_page_has_one_field_for_a_key(
    team: Team, owner: User, client_of: ClientOf, north: Account, name: str
) -> None:
    args = () if name == "account_new" else (north.public_id,)
    page = text(client_of(owner).get(url(name, team, *args)))
    assert page.count('type="password"') == 1


def test_what_is_at_the_service_keeps_a_connection_where_it_is(
    team: Team, owner: User, client_of: ClientOf, north: Account, service: Service
) -> None:
    makers.job(team, owner, account=north, state="running")
    client, door = client_of(owner), url("account_move", team, north.public_id)
    assert "are at the service right now" in text(client.get(door))
    given = move(north, base_url="", secret=OTHER)
    assert "are at the service right now" in text(client.post(door, given))
    north.refresh_from_db()
    assert north.base_url == service.url
    assert north.keys.get().active


def test_waiting_jobs_keep_their_region(
    team: Team, owner: User, client_of: ClientOf, north: Account, service: Service
) -> None:
    makers.job(team, owner, account=north)
    given = move(north, region="ap-southeast-1", base_url="", secret=OTHER)
    page = text(client_of(owner).post(url("account_move", team, north.public_id), given))
    assert "1 job waits here with the price of Beijing" in page
    north.refresh_from_db()
    assert (north.region, north.base_url) == ("cn-beijing", service.url)


def test_nothing_moves_while_a_worker_may_be_sending(
    team: Team, owner: User, client_of: ClientOf, north: Account, service: Service
) -> None:
    makers.job(team, owner, account=north)
    soon = timezone.now() + timedelta(seconds=30)
    Lane.objects.filter(account=north).update(lease_until=soon)
    elsewhere = Service()
    try:
        given = move(north, base_url=elsewhere.url, secret=OTHER)
        page = text(client_of(owner).post(url("account_move", team, north.public_id), given))
    finally:
        elsewhere.close()
    assert "is being sent at this very moment" in page
    north.refresh_from_db()
    assert north.base_url == service.url
    assert north.keys.get().active


def test_a_move_to_the_same_place_says_so(
    team: Team, owner: User, client_of: ClientOf, north: Account, service: Service
) -> None:
    given = move(north, secret=OTHER)
    page = text(client_of(owner).post(url("account_move", team, north.public_id), given))
    assert "Nothing was changed" in page
    assert service.asked == []
