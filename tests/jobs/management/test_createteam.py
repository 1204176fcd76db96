"""createteam, makekeys, rotatekeys and the demo's team: what they print works, and asking twice
changes nothing."""

from __future__ import annotations

import io
import json
import re
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from jobs.accounts import account_setup, endpoints, key_test
from jobs.management.commands import demo
from jobs.models import Account, ApiKey
from studio.models import Role, Team, User
from tests import makers


def run(*words: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


def link_in(text: str) -> str:
    found = re.search(r"http\S+/password/reset/key/\S+", text)
    assert found, text
    return urlsplit(found[0]).path


@pytest.mark.django_db
def test_the_printed_link_sets_a_password_once(client: Client) -> None:
    said = run("createteam", "Studio  West", owner="Mia@Example.com")
    team = Team.objects.get(name="Studio West")
    assert f"Its address is {team.slug}." in said
    assert team.memberships.get().role == Role.OWNER
    assert not User.objects.get(email="mia@example.com").has_usable_password()

    page = client.get(link_in(said), follow=True)
    assert page.status_code == 200
    done = client.post(
        page.request["PATH_INFO"],
        {"password1": "a long walk home", "password2": "a long walk home"},
    )
    assert done.status_code == 302
    assert Client().login(username="mia@example.com", password="a long walk home")
    spent = Client().get(link_in(said), follow=True)
    assert spent.context.get("token_fail"), "the link works once"


@pytest.mark.django_db
def test_asking_again_changes_nothing_and_a_taken_name_is_refused() -> None:
    run("createteam", "Studio West", owner="mia@example.com")
    again = run("createteam", "Studio West", owner="mia@example.com")
    assert "is there already" in again
    assert Team.objects.count() == User.objects.count() == 1
    with pytest.raises(CommandError, match="does not own it"):
        run("createteam", "Studio West", owner="lea@example.com")
    with pytest.raises(CommandError, match="counts in USD"):
        run("createteam", "Studio West", owner="mia@example.com", currency="CNY")
    assert not User.objects.filter(email="lea@example.com").exists(), (
        "nothing was made on the way to the refusal"
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "owner"),
    [("", "mia@example.com"), ("x" * 81, "mia@example.com"), ("West", "mia"), ("West", "")],
)
def test_nonsense_gets_a_sentence(name: str, owner: str) -> None:
    with pytest.raises(CommandError):
        run("createteam", name, owner=owner)
    assert not Team.objects.exists()


@pytest.fixture
def takes_every_key(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DASHSCOPE_API_KEY = "sk-real-0001"
    monkeypatch.setattr(
        account_setup, "try_secret", lambda account, secret: key_test.Trial(Account.Health.OK, "")
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("takes_every_key")
def test_the_key_of_the_environment_becomes_the_first_account() -> None:
    said = run("createteam", "Studio West", owner="mia@example.com")
    account = Team.objects.get().accounts.get()
    assert account.key is not None
    assert account.key.secret == "sk-real-0001"
    assert account.label in said
    assert "sk-real" not in said
    run("createteam", "Studio West", owner="mia@example.com")
    assert Team.objects.get().accounts.count() == 1


@pytest.mark.django_db
def test_a_refused_key_does_not_stop_the_team(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(account: Account, secret: str) -> key_test.Trial:
        raise endpoints.KeyRefused("The service refuses this key.")

    settings.DASHSCOPE_API_KEY = "sk-real-0001"
    monkeypatch.setattr(account_setup, "try_secret", refuse)
    err = io.StringIO()
    call_command(
        "createteam", "Studio West", owner="mia@example.com", stdout=io.StringIO(), stderr=err
    )
    assert "The service refuses this key." in err.getvalue()
    assert not Team.objects.get().accounts.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("takes_every_key")
def test_a_start_gives_the_key_to_the_first_team_only(tmp_path: Path) -> None:
    run("createteam", key_only=True)  # nobody is there yet
    demo.seed(tmp_path)
    first, second = (
        Team.start(name, User.objects.create_user(f"{name}@example.com"))
        for name in ("west", "east")
    )
    run("createteam", key_only=True)
    run("createteam", key_only=True)
    assert first.accounts.count() == 1
    assert not second.accounts.exists(), "the key does not wander to whoever comes next"
    assert [account.label for account in demo.demo_team().accounts.all()] == ["Simulator"]  # type: ignore[union-attr]


def test_a_machine_without_tables_is_migrated_first(
    monkeypatch: pytest.MonkeyPatch, db: object
) -> None:
    called = []
    monkeypatch.setattr(type(connection.introspection), "table_names", lambda *args, **kwargs: [])
    monkeypatch.setattr(
        "jobs.management.commands.createteam.call_command",
        lambda name, **options: called.append(name),
    )
    run("createteam", "Studio West", owner="mia@example.com")
    assert called == ["migrate"]


def test_made_keys_are_usable() -> None:
    lines = dict(line.split("=", 1) for line in run("makekeys").splitlines())
    assert set(lines) == {"SECRET_KEY", "FIELD_KEYS"}
    assert len(lines["SECRET_KEY"]) >= 50
    box = Fernet(lines["FIELD_KEYS"].encode())
    assert box.decrypt(box.encrypt(b"x")) == b"x"


# ── rotation ──────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_after_rotation_the_old_key_is_not_needed(settings: Any, team: Team) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_KEYS = [old]
    key = makers.account(team, key="sk-first-0001").keys.get()
    settings.FIELD_KEYS = [new, old]
    assert "1 secret encrypted" in run("rotatekeys")
    settings.FIELD_KEYS = [new]
    assert ApiKey.objects.get(pk=key.pk).secret == "sk-first-0001"


@pytest.mark.django_db
def test_an_unreadable_secret_is_named_and_the_others_are_rotated(
    settings: Any, team: Team
) -> None:
    lost, old, new = (Fernet.generate_key().decode() for _ in range(3))
    settings.FIELD_KEYS = [lost]
    gone = makers.account(team, key="sk-gone-0001").keys.get()
    settings.FIELD_KEYS = [old]
    kept = makers.account(team, key="sk-kept-0001").keys.get()
    settings.FIELD_KEYS = [new, old]
    with pytest.raises(CommandError, match=rf"\b{gone.pk}\b"):
        run("rotatekeys")
    settings.FIELD_KEYS = [new]
    assert ApiKey.objects.get(pk=kept.pk).secret == "sk-kept-0001"


# ── the demo's team ───────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_the_demo_team_is_made_once_and_signs_in(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    run("demo", seed_only=True)
    path = tmp_path / "run" / "demo.json"
    first = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Client().login(username=first["email"], password=first["password"])
    run("demo", seed_only=True)
    assert json.loads(path.read_text()) == first
    team = demo.demo_team()
    assert team is not None
    account = team.accounts.get()
    assert account.base_url == "", "MODELSTUDIO_URL decides where it calls"
    assert account.keys.get().secret == endpoints.SIMULATOR_KEY


@pytest.mark.django_db
def test_a_password_that_the_person_chose_stays(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    run("demo", seed_only=True)
    user = User.objects.get(email=demo.EMAIL)
    user.set_password("my own words")
    user.save(update_fields=["password"])
    run("demo", seed_only=True)
    assert "password" not in json.loads((tmp_path / "run" / "demo.json").read_text())
    assert Client().login(username=demo.EMAIL, password="my own words")


def test_a_site_that_others_reach_gets_no_demo_superuser(settings: Any) -> None:
    settings.STRICT = True
    with pytest.raises(CommandError, match="demo superuser"):
        call_command("dev")


@pytest.mark.django_db
def test_a_team_without_a_key_says_that_one_is_missing(account: Account, owner: User) -> None:
    said = run("createteam", "Studio West", owner="mia@example.com")
    assert "Studio West has no key of Model Studio yet" in said
    assert "DASHSCOPE_API_KEY" in said
    assert "page Connections" in said
    again = run("createteam", account.team.name, owner=owner.email)
    assert "no key" not in again, "it has one"


@pytest.mark.parametrize("command", ["dev", "demo", "simulator"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--speed", "0"), "greater than 0"),
        (("--speed", "-2"), "greater than 0"),
        (("--speed", "nan"), "greater than 0"),
        (("--speed", "fast"), "“fast” is no speed"),
        (("--port", "99999"), "a number from 1 to 65535"),
        (("--port", "-1"), "a number from 1 to 65535"),
        (("--port", "http"), "“http” is no port"),
    ],
)
def test_a_number_that_cannot_be_is_refused_before_anything_starts(
    command: str, words: tuple[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.local.stack.Stack.__enter__", lambda stack: pytest.fail("started"))
    monkeypatch.setattr("jobs.simulator.Simulator.__enter__", lambda one: pytest.fail("started"))
    with pytest.raises(CommandError, match=said):
        call_command(command, *words)


def test_a_key_of_the_simulator_names_its_account() -> None:
    with pytest.raises(CommandError, match="sk-second=sk-first"):
        call_command("simulator", "--key", "sk-second")
