"""Who may use a connection: everybody who makes videos, or the people that it names."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from jobs.accounts import choice
from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.engine import checks
from jobs.models import Account, Job
from jobs.orders import plan
from jobs.orders.order_request import OrderRequest
from jobs.pages.create.batch_draft import batch_draft
from studio.audit.events import Event
from studio.models import AuditEntry, Membership, Role, Team, User
from tests import makers
from tests.html import parse

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


def name(account: Account, *people: User) -> None:
    """Only `people` may use `account` from now on."""
    account.named_only = True
    account.save(update_fields=["named_only"])
    account.people.set(account.team.memberships.filter(user__in=people))


def wish(team: Team, person: User, **fields: Any) -> OrderRequest:
    files = {"image_url": makers.asset(team), "audio_url": makers.asset(team, "audio")}
    return OrderRequest(team, person, "emo-v1", files, {"ratio": "1:1"}, **fields)


def test_everybody_uses_a_connection_that_names_nobody(
    team: Team, creator: User, account: Account
) -> None:
    assert choice.account_for(team, creator, "emo-v1") == account
    assert choice.may_use(account, creator)


def test_only_the_named_use_one_that_names_people(
    team: Team, owner: User, creator: User, account: Account
) -> None:
    name(account, creator)
    assert choice.account_for(team, creator, "emo-v1") == account
    assert choice.account_for(team, owner, "emo-v1") is None
    assert choice.account_for(team, None, "emo-v1") is None
    other = makers.account(team, label="For all", key="sk-test-0002")
    assert choice.account_for(team, owner, "emo-v1") == other


def test_an_order_is_refused_whichever_way_its_connection_was_chosen(
    team: Team, owner: User, creator: User, account: Account
) -> None:
    name(account, owner)
    for order in (wish(team, creator, account=account), wish(team, creator)):
        with pytest.raises(Refused, match="name you"):
            plan.plan(order, checked=False)
    assert plan.plan(wish(team, owner), checked=False).account == account


def test_a_dance_by_a_template_of_a_named_connection_is_refused(
    team: Team, owner: User, creator: User, account: Account
) -> None:
    name(account, owner)
    moves = makers.template(team, account)
    order = OrderRequest(
        team, creator, "animate-anyone-gen2", {"image_url": makers.asset(team)}, template=moves
    )
    with pytest.raises(Refused, match="Only named people"):
        plan.plan(order, checked=False)


def test_a_check_is_refused_too_and_asked_again_elsewhere(
    team: Team, owner: User, creator: User, account: Account
) -> None:
    name(account, owner)
    picture = makers.asset(team)
    with pytest.raises(Refused, match="Only named people"):
        checks.ask(asset=picture, model="emo-detect-v1", chosen={}, account=account, by=creator)
    check = makers.check(picture, account, state="failed")
    with pytest.raises(Refused, match="that you may use"):
        checks.ask_again(check, creator)
    other = makers.account(team, label="For all", key="sk-test-0002")
    assert checks.ask_again(check, creator).account == other


def test_a_batch_takes_what_its_maker_may_use(
    team: Team, owner: User, creator: User, account: Account
) -> None:
    name(account, owner)
    assert batch_draft(team, creator, entries.get("emo-v1"), QueryDict()).account is None
    assert batch_draft(team, owner, entries.get("emo-v1"), QueryDict()).account == account


def test_the_create_page_offers_and_takes_what_its_reader_may_use(
    team: Team, owner: User, creator: User, account: Account, client_of: ClientOf
) -> None:
    makers.account(team, label="For all", key="sk-test-0002")
    name(account, owner)
    page = client_of(creator).get(reverse("jobs:portrait", args=[team.slug])).content.decode()
    assert "only for named people" in page
    mine = client_of(owner).get(reverse("jobs:portrait", args=[team.slug])).content.decode()
    assert "only for named people" not in mine


def test_running_again_is_refused_with_the_reason(
    team: Team, owner: User, creator: User, account: Account, client_of: ClientOf
) -> None:
    job = makers.job(team, creator, account=account, state="failed")
    name(account, owner)
    door = reverse("jobs:again", args=[team.slug, job.public_id])
    answer = client_of(creator).post(door, {"key": "a" * 32}, follow=True)
    assert "Only named people may use" in answer.content.decode()
    assert Job.objects.count() == 1
    answer = client_of(owner).post(door, {"key": "b" * 32}, follow=True)
    assert "The picture is not checked yet" in answer.content.decode()


def test_the_command_refuses_too(
    team: Team, owner: User, creator: User, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    name(account, owner)
    with pytest.raises(SystemExit):
        call_command(
            "submit",
            "emo-v1",
            team=team.slug,
            by=creator.email,
            image="jobs/samples/portrait.jpg",
            audio="jobs/samples/speech.mp3",
        )
    said = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert said["code"] == "no-account"
    assert not Job.objects.exists()


def test_what_was_ordered_goes_on(team: Team, owner: User, creator: User, account: Account) -> None:
    """The engine asks for accounts, never for people."""
    job = makers.job(team, creator, account=account)
    name(account, owner)
    job.refresh_from_db()
    assert job.state == "queued"
    assert choice.keys_to_try(job.account)


def test_who_leaves_and_comes_back_must_be_named_again(
    team: Team, owner: User, creator: User, account: Account
) -> None:
    name(account, creator)
    Membership.objects.filter(user=creator).delete()
    Membership.objects.create(team=team, user=creator, role=Role.CREATOR)
    assert not choice.may_use(account, creator)


def save(client: Client, account: Account, **given: Any) -> Any:
    door = reverse("jobs:account", args=[account.team.slug, account.public_id])
    return client.post(door, {"label": account.label, **given})


def test_owners_name_people_on_its_page(
    team: Team, owner: User, creator: User, viewer: User, account: Account, client_of: ClientOf
) -> None:
    client = client_of(owner)
    mine, theirs = (str(team.memberships.get(user=one).pk) for one in (creator, viewer))
    assert b"Name at least one person" in save(client, account, named_only="on").content
    assert save(client, account, named_only="on", people=theirs).status_code == 200
    account.refresh_from_db()
    assert not account.named_only
    assert save(client, account, named_only="on", people=mine).status_code == 302
    account.refresh_from_db()
    assert choice.may_use(account, creator)
    assert not choice.may_use(account, owner)
    entry = AuditEntry.objects.get(event=Event.CONNECTION_USERS_CHANGED)
    assert entry.after == {"named_only": True}
    assert entry.personal["after"] == {"people": [creator.email]}
    door = reverse("jobs:account", args=[team.slug, account.public_id])
    assert "only for Chidi" in parse(client.get(door)).text
    assert save(client, account, named_only="").status_code == 302
    account.refresh_from_db()
    assert choice.may_use(account, owner)
    assert not account.people.exists()
