"""Only a confirmed address counts: whoever types somebody else's gets nothing given to it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from studio.models import Membership, Role, Team, User
from studio.teams import confirmed

pytestmark = pytest.mark.django_db
BOSS = "boss@example.com"
GUESSED, OWN = "a stranger's words", "the words of the boss"


def sign_up(client: Client, email: str, password: str = GUESSED, **more: str) -> Any:
    data = {"email": email, "password1": password, **more}
    return client.post(reverse("account_signup"), data, follow=True)


def sign_in(client: Client, email: str, password: str) -> bool:
    client.post(reverse("account_login"), {"login": email, "password": password})
    return "_auth_user_id" in client.session


def link_in(text: str, part: str) -> str:
    found = re.search(rf"https?://\S+{part}\S+", text)
    assert found, text
    return found[0]


def set_password(client: Client, link: str, password: str) -> Any:
    page = client.get(urlsplit(link).path, follow=True)
    where = page.request["PATH_INFO"]
    return client.post(where, {"password1": password, "password2": password}, follow=True)


@pytest.fixture
def claimed(client: Client) -> User:
    """Somebody has signed up with the boss's address, on a site that asked nobody to confirm, and
    is still signed in."""
    sign_up(client, BOSS)
    assert "_auth_user_id" in client.session
    return User.objects.get(email=BOSS)


def createteam(*words: str) -> str:
    out = io.StringIO()
    call_command("createteam", *words, stdout=out)
    return out.getvalue()


def test_createteam_hands_no_team_to_who_only_claims_the_address(
    client: Client, claimed: User
) -> None:
    EmailAddress.objects.create(user=claimed, email="thief@example.com")
    said = createteam("Studio West", "--owner", BOSS)
    team = Team.objects.get(name="Studio West")
    assert client.get(team.get_absolute_url()).status_code == 302, "the sign-in has ended"
    assert not sign_in(Client(), BOSS, GUESSED)
    owner = Client()
    set_password(owner, link_in(said, "/password/reset/key/"), OWN)
    assert owner.get(team.get_absolute_url()).status_code == 200
    claimed.refresh_from_db()
    assert confirmed.is_confirmed(claimed)
    assert [row.email for row in EmailAddress.objects.filter(user=claimed)] == [BOSS]


def test_createteam_leaves_who_confirmed_it_alone(client: Client, claimed: User) -> None:
    confirmed.confirm(claimed)
    said = createteam("Studio West", "--owner", BOSS)
    assert "with the password they have" in said
    assert client.get(Team.objects.get(name="Studio West").get_absolute_url()).status_code == 200


def test_createteam_finds_the_person_by_another_confirmed_address(claimed: User) -> None:
    confirmed.confirm(claimed)
    EmailAddress.objects.create(user=claimed, email="me@example.com", verified=True)
    createteam("Studio West", "--owner", "me@example.com")
    assert Team.objects.get(name="Studio West").memberships.get().user == claimed


@pytest.mark.parametrize("role", [Role.OWNER, Role.CREATOR])
def test_the_admin_takes_nobody_unconfirmed_into_a_team(
    client_of: Callable[[User], Client], claimed: User, team: Team, owner: User, role: Role
) -> None:
    desk = client_of(User.objects.create_superuser("root@example.com", "correct horse"))
    data = {"team": team.pk, "user": claimed.pk, "role": role.value, "turns": 1}
    page = desk.post(reverse("admin:studio_membership_add"), data)
    assert "has not confirmed this address" in page.content.decode()
    assert not Membership.objects.filter(team=team, user=claimed).exists()
    confirmed.confirm(claimed)
    assert desk.post(reverse("admin:studio_membership_add"), data).status_code == 302
    assert Membership.objects.filter(team=team, user=claimed).exists()


def test_an_address_that_an_operator_types_counts(
    client_of: Callable[[User], Client], claimed: User
) -> None:
    root = User.objects.create_superuser("root@example.com", "correct horse")
    assert confirmed.is_confirmed(root)
    desk = client_of(root)
    data = {"email": "New@example.com", "usable_password": "false"}
    assert desk.post(reverse("admin:studio_user_add"), data).status_code == 302
    assert confirmed.is_confirmed(User.objects.get(email="new@example.com"))
    taken = desk.post(reverse("admin:studio_user_add"), {**data, "email": BOSS})
    assert "There is a user with this address already" in taken.content.decode()


# ── resets ────────────────────────────────────────────────────────────────────────────────────────


def ask_reset(email: str) -> None:
    client = Client()
    client.post(reverse("account_reset_password"), {"email": email})


def test_an_address_that_somebody_else_added_resets_nothing(mailing: Any, stranger: User) -> None:
    """Or its owner would set a password of the stranger's account, and work in it."""
    confirmed.confirm(stranger)
    EmailAddress.objects.create(user=stranger, email=BOSS)
    ask_reset(BOSS)
    assert mail.outbox == []
    ask_reset(stranger.email)
    assert [one.to for one in mail.outbox] == [[stranger.email]]


def test_a_reset_at_the_address_it_was_made_with_gives_the_account_to_its_mailbox(
    client: Client, claimed: User, mailing: Any
) -> None:
    EmailAddress.objects.create(user=claimed, email="thief@example.com")
    ask_reset(BOSS)
    owner = Client()
    done = set_password(owner, link_in(mail.outbox[0].body, "/password/reset/key/"), OWN)
    assert done.status_code == 200
    assert "_auth_user_id" in owner.session, "they are in, without another mail"
    assert "_auth_user_id" not in client.session or client.get("/").status_code == 302
    assert [row.email for row in EmailAddress.objects.filter(user=claimed, verified=True)] == [BOSS]
    assert not EmailAddress.objects.filter(email="thief@example.com").exists()


@pytest.mark.parametrize("host", ["evil.example.net", "evil.example.net:8000"])
def test_links_in_mails_never_follow_the_host_of_the_request(
    client: Client, mailing: Any, owner: User, host: str
) -> None:
    client.post(reverse("account_reset_password"), {"email": owner.email}, HTTP_HOST=host)
    client.post(
        reverse("account_signup"),
        {"email": "new@example.com", "password1": GUESSED},
        HTTP_HOST=host,
    )
    Client().post(
        reverse("account_signup"), {"email": owner.email, "password1": GUESSED}, HTTP_HOST=host
    )
    assert len(mail.outbox) == 3
    for one in mail.outbox:
        assert "evil" not in f"{one.subject} {one.body}"
        assert "https://videos.example.com/accounts/" in one.body


def test_a_mailbox_is_not_filled_and_nobody_is_kept_from_asking(mailing: Any, owner: User) -> None:
    for _ in range(12):
        answer = Client().post(reverse("account_reset_password"), {"email": owner.email})
        assert answer.status_code == 302
    assert len(mail.outbox) == 5


# ── accounts of before ────────────────────────────────────────────────────────────────────────────


def test_of_the_accounts_of_before_only_those_of_staff_count(team: Team, owner: User) -> None:
    staff = User.objects.create_user("root@example.com", is_staff=True)
    twin = User.objects.create_user("twin@example.com", is_staff=True)
    EmailAddress.objects.create(user=owner, email="twin@example.com", verified=True)
    EmailAddress.objects.create(user=staff, email="old@example.com", primary=True)
    import_module("studio.migrations.0007_confirmed_staff").confirm_staff(apps, None)
    assert confirmed.is_confirmed(staff)
    assert not confirmed.is_confirmed(owner)
    assert not confirmed.is_confirmed(twin), "that address is somebody else's"


def test_who_was_here_before_stays_signed_in_and_confirms_with_one_click(
    client_of: Callable[[User], Client], team: Team, owner: User, mailing: Any
) -> None:
    assert client_of(owner).get(team.get_absolute_url()).status_code == 200
    again = Client()
    assert not sign_in(again, owner.email, "correct horse")
    link = link_in(mail.outbox[0].body, "/confirm-email/")
    again.post(urlsplit(link).path)
    assert confirmed.is_confirmed(owner)
    assert sign_in(again, owner.email, "correct horse")


# ── what an unconfirmed address cannot keep ───────────────────────────────────────────────────────


def test_an_address_that_was_added_and_never_confirmed_keeps_nobody_from_signing_up(
    mailing: Any, stranger: User
) -> None:
    confirmed.confirm(stranger)
    EmailAddress.objects.create(user=stranger, email=BOSS)
    client = Client()
    sign_up(client, BOSS, OWN)
    boss = User.objects.get(email=BOSS)
    client.post(urlsplit(link_in(mail.outbox[0].body, "/confirm-email/")).path)
    assert confirmed.is_confirmed(boss)
    assert sign_in(Client(), BOSS, OWN)
