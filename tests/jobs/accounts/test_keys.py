"""Accounts and keys: tested for free before they are stored, never shown, never sent elsewhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs.accounts.account_setup import add_account, move_account, take_up_environment_key
from jobs.accounts.endpoints import KeyRefused
from jobs.accounts.keys import add_key, retire
from jobs.accounts.keys import test_key as try_key
from jobs.models import Account, ApiKey, Lane
from studio.models import Team, User
from tests.jobs.tinystudio import BAD, GOOD, OTHER, Service, dead_url


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.modelstudio.http_get.PAUSES", ())


def raw_secret(key: ApiKey) -> str:
    with connection.cursor() as cursor:
        cursor.execute("select secret from jobs_apikey where id = %s", [key.pk])
        return str(cursor.fetchone()[0])


# ── adding ────────────────────────────────────────────────────────────────────────────────────────


def test_a_good_key_is_tested_once_and_stored_encrypted(
    team: Team, owner: User, service: Service
) -> None:
    account = add_account(
        team,
        " North  1 ",
        "cn-beijing",
        service.url,
        f" {GOOD}\n",
        owner,
        {"emo-v1": "emo-ours"},
        workspace="ws-1",
    )
    key = account.keys.get()
    assert (account.label, account.health, account.health_text, account.model_names) == (
        "North 1",
        "ok",
        "",
        {"emo-v1": "emo-ours"},
    )
    assert (key.last4, key.added_by, key.active, key.secret) == ("abcd", owner, True, GOOD)
    assert key.tested_at is not None
    assert GOOD not in raw_secret(key)
    assert service.asked == [("/api/v1/tasks/00000000-0000-0000-0000-000000000000", GOOD, "ws-1")]


def test_a_refused_key_leaves_nothing_behind_and_the_sentence_names_the_region(
    team: Team, owner: User, service: Service
) -> None:
    with pytest.raises(KeyRefused, match="Beijing") as refused:
        add_account(team, "North", "cn-beijing", service.url, BAD, owner)
    assert BAD not in str(refused.value)
    assert not Account.objects.exists()
    assert not ApiKey.objects.exists()


def test_an_unreachable_service_keeps_the_key_untested(team: Team, owner: User) -> None:
    account = add_account(team, "North", "cn-beijing", dead_url(), GOOD, owner)
    assert account.health == "untried"
    assert "cannot be reached" in account.health_text
    assert account.keys.get().tested_at is None


def test_an_account_that_owes_money_keeps_its_right_key(
    team: Team, owner: User, service: Service
) -> None:
    service.answer = (
        400,
        "application/json",
        json.dumps(
            {"code": "Arrearage", "message": "Access denied, account not in good standing."}
        ),
    )
    account = add_account(team, "North", "cn-beijing", service.url, GOOD, owner)
    assert account.health == "arrears"
    assert "unpaid bill" in account.health_text
    assert account.keys.count() == 1


@pytest.mark.parametrize(
    "answer",
    [
        (404, "text/html", "<html>"),
        (200, "text/html", "<html>hello"),
        (200, "application/json", "{}"),
        (404, "application/json", '{"error": "no"}'),
    ],
)
def test_something_that_is_not_the_service_is_refused(
    team: Team, owner: User, service: Service, answer: tuple[int, str, str]
) -> None:
    service.answer = answer
    with pytest.raises(KeyRefused, match="not Model Studio"):
        add_account(team, "North", "cn-beijing", service.url, GOOD, owner)
    assert not Account.objects.exists()


def test_a_busy_or_broken_service_is_no_refusal(team: Team, owner: User, service: Service) -> None:
    service.answer = (503, "text/html", "<html>")
    assert add_account(team, "One", "cn-beijing", service.url, GOOD, owner).health == "untried"
    service.answer = (
        429,
        "application/json",
        json.dumps({"code": "Throttling.RateQuota", "message": "slow down"}),
    )
    assert add_account(team, "Two", "cn-beijing", service.url, OTHER, owner).health == "untried"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"label": "  "}, "needs a name"),
        ({"label": "x" * 61}, "at most 60"),
        ({"region": "mars-1"}, "no region mars-1"),
        ({"workspace": "a.b"}, "workspace id"),
        ({"secret": ""}, "no API key"),
        ({"secret": "sk-with blank"}, "no API key"),
        ({"secret": "sk-ключ-000000"}, "no API key"),
        ({"secret": "sk-sp-0123456789"}, "Coding Plan"),
    ],
)
def test_bad_words_are_refused_before_anything_is_asked(
    team: Team, owner: User, service: Service, change: dict[str, str], says: str
) -> None:
    given = {
        "label": "North",
        "region": "cn-beijing",
        "base_url": service.url,
        "secret": GOOD,
        "by": owner,
        **change,
    }
    with pytest.raises(KeyRefused, match=says):
        add_account(team, **given)  # type: ignore[arg-type]
    assert service.asked == []
    assert not Account.objects.exists()


def test_a_name_twice_and_a_key_twice_are_refused(
    team: Team, owner: User, service: Service
) -> None:
    account = add_account(team, "North", "cn-beijing", service.url, GOOD, owner)
    with pytest.raises(KeyRefused, match="called North"):
        add_account(team, "North", "cn-beijing", service.url, OTHER, owner)
    with pytest.raises(KeyRefused, match="North has this key"):
        add_account(team, "South", "cn-beijing", service.url, GOOD, owner)
    with pytest.raises(KeyRefused, match="has this key already"):
        add_key(account, GOOD, owner)
    assert Account.objects.count() == ApiKey.objects.count() == 1


def test_no_log_line_holds_the_secret(
    team: Team, owner: User, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    account = add_account(team, "North", "cn-beijing", service.url, GOOD, owner)
    with pytest.raises(KeyRefused):
        add_key(account, BAD, owner)
    retire(add_key(account, OTHER, owner))
    assert caplog.text
    assert not [secret for secret in (GOOD, OTHER, BAD) if secret in caplog.text]


# ── keys of an account that is there ──────────────────────────────────────────────────────────────


@pytest.fixture
def north(team: Team, owner: User, service: Service) -> Account:
    return add_account(team, "North", "cn-beijing", service.url, GOOD, owner)


def paused(account: Account, health: str = "key") -> Lane:
    """The account as the engine leaves it after a refusal; returns a lane of it that sleeps."""
    later = timezone.now() + timedelta(hours=1)
    account.health, account.health_text, account.paused_until = health, "refused", later
    account.save(update_fields=["health", "health_text", "paused_until"])
    return Lane.objects.create(
        account=account,
        model="emo-v1",
        next_visit_at=later,
        paused_until=later,
        paused_text="refused",
    )


def test_a_working_key_ends_the_pause_and_rings_the_lanes(north: Account, owner: User) -> None:
    lane = paused(north)
    key = add_key(north, OTHER, owner)
    north.refresh_from_db()
    lane.refresh_from_db()
    assert (north.health, north.health_text, north.paused_until) == ("ok", "", None)
    assert lane.next_visit_at is not None
    assert lane.next_visit_at <= timezone.now()
    assert (lane.wakeups, lane.paused_until) == (1, None)
    assert north.key == key


def test_testing_writes_only_its_own_columns(north: Account, owner: User) -> None:
    """The engine may pause the account while a person tests a key: a stale row must not undo
    that."""
    key = ApiKey.objects.select_related("account").get()
    Account.objects.filter(pk=north.pk).update(
        label="Renamed meanwhile", model_names={"emo-v1": "new"}
    )
    try_key(key)
    north.refresh_from_db()
    assert (north.label, north.model_names) == ("Renamed meanwhile", {"emo-v1": "new"})


def test_a_key_that_stopped_working_marks_the_account(north: Account, service: Service) -> None:
    service.good.clear()
    with pytest.raises(KeyRefused, match="refuses this key"):
        try_key(north.keys.get())
    north.refresh_from_db()
    assert north.health == "key"
    assert "region" in north.health_text


def test_a_spare_key_says_nothing_about_the_account(
    north: Account, owner: User, service: Service
) -> None:
    spare = north.keys.get()
    add_key(north, OTHER, owner)
    paused(north)
    assert "spare" in try_key(spare)
    north.refresh_from_db()
    assert north.health == "key"
    service.good.discard(GOOD)
    Account.objects.update(health="ok")
    with pytest.raises(KeyRefused):
        try_key(ApiKey.objects.get(pk=spare.pk))
    north.refresh_from_db()
    assert north.health == "ok"


def test_no_answer_changes_nothing_about_a_known_key(north: Account, service: Service) -> None:
    tested = north.keys.get().tested_at
    service.answer = (500, "text/plain", "")
    with pytest.raises(KeyRefused, match="nothing is known"):
        try_key(north.keys.get())
    north.refresh_from_db()
    assert north.health == "ok"
    assert north.keys.get().tested_at == tested


def test_a_retired_key_is_no_longer_used_but_may_be_typed_again(
    north: Account, owner: User
) -> None:
    key = north.keys.get()
    retire(key)
    assert north.key is None
    with pytest.raises(KeyRefused, match="retired"):
        try_key(key)
    again = add_key(north, GOOD, owner)
    assert north.key == again
    # Bills and attempts name the row of before, so it stays.
    assert list(north.keys.values_list("pk", "active")) == [(again.pk, True), (key.pk, False)]


def test_retiring_the_refused_key_lets_the_spare_try(north: Account, owner: User) -> None:
    newest = add_key(north, OTHER, owner)
    lane = paused(north)
    retire(ApiKey.objects.get(pk=newest.pk))
    north.refresh_from_db()
    lane.refresh_from_db()
    assert (north.health, north.paused_until) == ("untried", None)
    assert lane.wakeups == 1


def test_a_stored_key_that_cannot_be_decrypted_gets_a_sentence(north: Account) -> None:
    with connection.cursor() as cursor:
        cursor.execute("update jobs_apikey set secret = 'not a token'")
    with pytest.raises(KeyRefused, match="FIELD_KEYS"):
        try_key(north.keys.defer("secret").get())


def test_another_address_never_sees_the_old_key(north: Account, owner: User) -> None:
    elsewhere = Service()
    try:
        move_account(north, "cn-beijing", elsewhere.url, "", OTHER, owner)
        assert {key for _path, key, _workspace in elsewhere.asked} == {OTHER}
        north.refresh_from_db()
        assert north.base_url == elsewhere.url
        assert [key.last4 for key in north.keys.filter(active=True)] == ["efgh"]
    finally:
        elsewhere.close()


def test_a_refused_move_changes_nothing(north: Account, owner: User) -> None:
    elsewhere = Service()
    elsewhere.good.clear()
    try:
        with pytest.raises(KeyRefused):
            move_account(north, "cn-beijing", elsewhere.url, "", OTHER, owner)
    finally:
        elsewhere.close()
    was = north.base_url
    north.refresh_from_db()
    assert north.base_url == was
    assert [key.last4 for key in north.keys.filter(active=True)] == ["abcd"]


def test_a_test_says_nothing_about_a_debt_but_has_it_tried_again(north: Account) -> None:
    """Looking is answered although a payment is due; only an order tells."""
    lane = paused(north, "arrears")
    assert "works" in try_key(north.keys.get())
    north.refresh_from_db()
    lane.refresh_from_db()
    assert (north.health, north.health_text, north.paused_until) == ("arrears", "refused", None)
    assert (lane.wakeups, lane.paused_until) == (1, None)


def test_a_key_that_works_ends_the_trouble_with_one_mail(
    north: Account, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails: list[str] = []
    monkeypatch.setattr(
        "jobs.accounts.mail.notify",
        lambda team, subject, text, *, to="owners": mails.append(subject),
    )
    paused(north)
    Account.objects.update(notified_at=timezone.now(), troubles=4)
    add_key(north, OTHER, owner)
    north.refresh_from_db()
    assert (north.health, north.troubles, north.notified_at) == ("ok", 0, None)
    assert mails == ["North works again"]


# ── the environment's key ─────────────────────────────────────────────────────────────────────────


def test_the_environment_key_makes_the_first_account_only(
    team: Team, owner: User, service: Service, settings: Any
) -> None:
    settings.DASHSCOPE_API_KEY = ""
    assert take_up_environment_key(team, owner) is None
    settings.DASHSCOPE_API_KEY, settings.MODELSTUDIO_URL = GOOD, service.url
    account = take_up_environment_key(team, owner)
    assert account is not None
    assert (account.url, account.base_url, account.health) == (service.url, "", "ok")
    assert take_up_environment_key(team, owner) is None
    assert team.accounts.count() == 1


def test_a_refused_environment_key_is_told(
    team: Team, owner: User, service: Service, settings: Any
) -> None:
    settings.DASHSCOPE_API_KEY, settings.MODELSTUDIO_URL = BAD, service.url
    with pytest.raises(KeyRefused):
        take_up_environment_key(team, owner)
    settings.MODELSTUDIO_URL = dead_url()
    kept = take_up_environment_key(team, owner)
    assert kept is not None
    assert kept.health == "untried"
