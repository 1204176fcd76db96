"""The pages of accounts and keys: who may open them, what they do, and that no secret ever stands
in one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Account, ApiKey
from studio.models import Team, User
from tests import makers
from tests.jobs.tinystudio import BAD, GOOD, OTHER, Service, dead_url

ClientOf = Callable[[User], Client]
SECRETS = (GOOD, OTHER, BAD)


def url(name: str, team: Team, *args: object) -> str:
    return reverse(f"jobs:{name}", args=[team.slug, *args])


def text(response: object) -> str:
    found = response.content.decode()  # type: ignore[attr-defined]
    assert not [secret for secret in SECRETS if secret in found], "a secret stands in the page"
    return str(found)


def test_only_admins_and_owners_open_them(
    team: Team,
    owner: User,
    admin: User,
    creator: User,
    viewer: User,
    stranger: User,
    client_of: ClientOf,
    north: Account,
) -> None:
    key = north.keys.get()
    reads = [
        url("keys", team),
        url("account_new", team),
        url("account", team, north.public_id),
        url("account_move", team, north.public_id),
        url("key_expiry", team, north.public_id, key.pk),
        url("key_retire", team, north.public_id, key.pk),
    ]
    writes = [
        *reads[1:],
        url("key_new", team, north.public_id),
        url("key_test", team, north.public_id, key.pk),
    ]
    for person, expected in (
        (owner, 200),
        (admin, 200),
        (creator, 403),
        (viewer, 403),
        (stranger, 404),
    ):
        client = client_of(person)
        assert [client.get(one).status_code for one in reads] == [expected] * len(reads), person
    for person, expected in ((creator, 403), (viewer, 403), (stranger, 404)):
        client = client_of(person)
        assert [client.post(one, {"secret": OTHER}).status_code for one in writes] == [
            expected
        ] * len(writes), person
    assert ApiKey.objects.get() == key
    assert key.active


def test_the_list_shows_health_last_four_and_print_only(
    team: Team, owner: User, client_of: ClientOf, north: Account
) -> None:
    makers.job(team, owner, account=north)
    page = text(client_of(owner).get(url("keys", team)))
    key = north.keys.get()
    assert "North-1" in page
    assert key.last4 in page
    assert key.fingerprint in page
    assert "works" in page
    assert "0 at the service, 1 waiting" in page


def test_a_secret_that_cannot_be_read_does_not_break_the_pages(
    team: Team, owner: User, client_of: ClientOf, north: Account
) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("update jobs_apikey set secret = 'not a token'")
    client = client_of(owner)
    assert client.get(url("keys", team)).status_code == 200
    assert "FIELD_KEYS" in text(
        client.post(
            url("key_test", team, north.public_id, north.keys.defer("secret").get().pk), follow=True
        )
    )


def test_an_empty_team_is_told_what_to_do(team: Team, owner: User, client_of: ClientOf) -> None:
    assert "No Model Studio connection yet" in text(client_of(owner).get(url("keys", team)))


def test_adding_an_account(team: Team, owner: User, client_of: ClientOf, service: Service) -> None:
    client = client_of(owner)
    given = {
        "label": "South",
        "region": "cn-beijing",
        "secret": GOOD,
        "base_url": service.url,
        "workspace": "",
        "model_1": "emo-ours",
        "model_0": "emo-detect-v1",
    }
    response = client.post(url("account_new", team), given, follow=True)
    account = team.accounts.get()
    assert response.redirect_chain == [(url("board", team), 302)], "which offers the first video"
    assert "The key works" in text(response)
    assert (account.label, account.health, account.model_names) == (
        "South",
        "ok",
        {"emo-v1": "emo-ours"},
    )
    assert account.keys.get().added_by == owner
    response = client.post(
        url("account_new", team), given | {"label": "East", "secret": OTHER}, follow=True
    )
    assert response.redirect_chain == [
        (url("account", team, team.accounts.get(label="East").public_id), 302)
    ]


def test_a_refused_key_is_explained_and_not_typed_back(
    team: Team, owner: User, client_of: ClientOf, service: Service
) -> None:
    given = {"label": "South", "region": "cn-beijing", "secret": BAD, "base_url": service.url}
    page = text(client_of(owner).post(url("account_new", team), given))
    assert "The service refuses this key" in page
    assert 'value="South"' in page
    assert not Account.objects.exists()


def test_an_unreachable_service_is_explained(
    team: Team, owner: User, client_of: ClientOf, service: Service
) -> None:
    given = {"label": "South", "region": "cn-beijing", "secret": GOOD, "base_url": dead_url()}
    assert "saved but not tested" in text(
        client_of(owner).post(url("account_new", team), given, follow=True)
    )
    assert team.accounts.get().health == "untried"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"label": "North-1"}, "this name already"),
        ({"base_url": "http://169.254.169.254/"}, "where no service can be"),
        ({"base_url": "https://a:b@c.example"}, "Give scheme, host and path only"),
        ({"workspace": "a/b"}, "workspace id"),
        ({"region": "mars-1"}, "mars-1"),
        ({"model_1": "emo v1 <b>"}, "deployed name"),
        ({"secret": ""}, "required"),
    ],
)
def test_bad_input_gets_a_sentence(
    team: Team,
    owner: User,
    client_of: ClientOf,
    north: Account,
    service: Service,
    change: dict[str, str],
    says: str,
) -> None:
    given = {
        "label": "South",
        "region": "cn-beijing",
        "secret": OTHER,
        "base_url": service.url,
        **change,
    }
    page = text(client_of(owner).post(url("account_new", team), given))
    assert says in page
    assert "emo v1 <b>" not in page
    assert service.asked == []
    assert Account.objects.count() == 1


def edit(north: Account, **change: str) -> dict[str, str]:
    return {
        "label": north.label,
        "region": north.region,
        "base_url": north.base_url,
        "workspace": north.workspace,
        **change,
    }


def test_editing_name_and_model_names_touches_nothing_else(
    team: Team, owner: User, client_of: ClientOf, north: Account, service: Service
) -> None:
    Account.objects.update(health="arrears", health_text="unpaid")
    client_of(owner).post(
        url("account", team, north.public_id), edit(north, label="North-2", model_1="emo-x")
    )
    north.refresh_from_db()
    assert (north.label, north.model_names, north.health) == (
        "North-2",
        {"emo-v1": "emo-x"},
        "arrears",
    )
    assert service.asked == []


def test_who_edits_while_a_job_is_in_doubt_reads_what_happens(
    team: Team, owner: User, creator: User, account: Account, client_of: ClientOf
) -> None:
    page = reverse("jobs:account", args=[team.slug, account.public_id])
    said = "1 job was sent and got no answer. Its task is looked for with the key, address"
    assert said not in client_of(owner).get(page).content.decode()
    makers.job(team, creator, account=account, state="uncertain")
    assert said in client_of(owner).get(page).content.decode()


def test_the_page_of_a_connection_does_not_move_it(
    team: Team, owner: User, client_of: ClientOf, north: Account, service: Service
) -> None:
    """A form of before, with a place in it, changes the name and nothing else."""
    client_of(owner).post(
        url("account", team, north.public_id),
        edit(north, label="Renamed", base_url="https://elsewhere.example", secret=OTHER),
    )
    was = north.base_url
    north.refresh_from_db()
    assert (north.label, north.base_url) == ("Renamed", was)
    assert (north.keys.count(), service.asked) == (1, [])


def test_who_changes_model_names_reads_what_waits(
    team: Team, owner: User, client_of: ClientOf, north: Account
) -> None:
    door = url("account", team, north.public_id)
    assert "waits here" not in text(client_of(owner).get(door))
    makers.job(team, owner, account=north)
    assert "1 job waits here. It is sent with the model name" in text(client_of(owner).get(door))


def test_adding_testing_and_retiring_a_key(
    team: Team, admin: User, client_of: ClientOf, north: Account
) -> None:
    client = client_of(admin)
    assert "is in use from now on" in text(
        client.post(url("key_new", team, north.public_id), {"secret": OTHER}, follow=True)
    )
    assert "refuses this key" in text(
        client.post(url("key_new", team, north.public_id), {"secret": BAD})
    )
    assert "has this key already" in text(
        client.post(url("key_new", team, north.public_id), {"secret": OTHER})
    )
    new = north.keys.first()
    assert new is not None
    assert "works" in text(client.post(url("key_test", team, north.public_id, new.pk), follow=True))
    assert "One other key stays" in text(
        client.get(url("key_retire", team, north.public_id, new.pk))
    )
    new.refresh_from_db()
    assert new.active, "asking must not retire"
    assert "is retired" in text(
        client.post(url("key_retire", team, north.public_id, new.pk), follow=True)
    )
    new.refresh_from_db()
    assert not new.active
    assert "last key" in text(
        client.get(url("key_retire", team, north.public_id, north.keys.get(active=True).pk))
    )


def test_a_get_never_tests_or_adds(
    team: Team, owner: User, client_of: ClientOf, north: Account, service: Service
) -> None:
    client = client_of(owner)
    assert (
        client.get(url("key_test", team, north.public_id, north.keys.get().pk)).status_code == 405
    )
    assert client.get(url("key_new", team, north.public_id)).status_code == 302
    assert service.asked == []


def test_rows_of_another_team_are_not_here(
    team: Team, owner: User, stranger: User, client_of: ClientOf, north: Account
) -> None:
    theirs = makers.account(stranger.teams.get(), label="Theirs", key=OTHER)
    client = client_of(owner)
    key = theirs.keys.get()
    assert client.get(url("account", team, theirs.public_id)).status_code == 404
    assert client.post(url("key_new", team, theirs.public_id), {"secret": GOOD}).status_code == 404
    for name in ("key_test", "key_retire"):
        assert client.post(url(name, team, theirs.public_id, key.pk)).status_code == 404
        assert client.post(url(name, team, north.public_id, key.pk)).status_code == 404
    key.refresh_from_db()
    assert key.active
    assert "Theirs" not in text(client.get(url("keys", team)))


def test_a_private_address_is_refused_on_a_site_that_others_reach(
    team: Team, owner: User, client_of: ClientOf, service: Service, settings: pytest.FixtureRequest
) -> None:
    settings.STRICT = True  # type: ignore[attr-defined]
    given = {"label": "South", "region": "cn-beijing", "secret": GOOD, "base_url": service.url}
    page = text(client_of(owner).post(url("account_new", team), given))
    assert "ask the staff of this site" in page
    assert service.asked == []
    owner.is_staff = True
    owner.save(update_fields=["is_staff"])
    client_of(owner).post(url("account_new", team), given)
    assert team.accounts.get().base_url == service.url


def test_an_address_that_staff_entered_does_not_lock_the_other_fields(
    team: Team, owner: User, client_of: ClientOf, north: Account, settings: pytest.FixtureRequest
) -> None:
    settings.STRICT = True  # type: ignore[attr-defined]
    client_of(owner).post(url("account", team, north.public_id), edit(north, label="Renamed"))
    north.refresh_from_db()
    assert north.label == "Renamed"
