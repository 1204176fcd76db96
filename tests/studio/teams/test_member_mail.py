"""Who is told by mail what somebody else changed of their membership or their way in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.core.mail import EmailMessage
from django.db import transaction
from django.test import Client
from django.urls import reverse

from studio.admin.trail import record_deleted
from studio.models import Role, Team, User
from studio.teams import members
from studio.teams.members import NotChanged
from tests.studio.teams.factor_steps import code_of
from tests.studio.teams.test_factors import shown_secret

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Box = list[EmailMessage]


def test_a_new_role_is_told_to_whose_it_is(
    team: Team, owner: User, creator: User, mailoutbox: Box
) -> None:
    members.change_role(team, owner, team.memberships.get(user=creator), Role.ADMIN)
    (mail,) = mailoutbox
    assert mail.to == [creator.email]
    assert mail.subject == "Footlight: your role in Studio North has changed"
    assert "Aiko has changed your role in the team Studio North: it is Admin now." in mail.body
    assert reverse("team", args=[team.slug]) in mail.body


def test_who_hands_over_is_not_told_and_who_gets_it_is(
    team: Team, owner: User, admin: User, mailoutbox: Box
) -> None:
    members.transfer(team, owner, team.memberships.get(user=admin), Role.ADMIN)
    (mail,) = mailoutbox
    assert mail.to == [admin.email]
    assert "handed the team Studio North over to you" in mail.body


def test_who_was_removed_is_told_and_who_leaves_is_not(
    team: Team, owner: User, creator: User, viewer: User, mailoutbox: Box
) -> None:
    members.remove(team, owner, team.memberships.get(user=creator))
    members.remove(team, viewer, team.memberships.get(user=viewer))
    (mail,) = mailoutbox
    assert mail.to == [creator.email]
    assert "taken you out of the team" in mail.body
    assert reverse("team", args=[team.slug]) not in mail.body, "they could not open it"


def test_what_was_not_changed_is_not_told(
    team: Team, owner: User, creator: User, mailoutbox: Box
) -> None:
    with pytest.raises(NotChanged):
        members.remove(team, creator, team.memberships.get(user=owner))
    members.change_role(team, owner, team.memberships.get(user=creator), Role.CREATOR)
    assert mailoutbox == []


def test_what_staff_change_in_the_admin_is_told_too(
    team: Team, creator: User, mailoutbox: Box
) -> None:
    with transaction.atomic():
        record_deleted([team.memberships.get(user=creator)])
    (mail,) = mailoutbox
    assert mail.to == [creator.email]
    assert "An operator of this site has taken you out" in mail.body


def test_nobody_writes_to_an_account_that_is_off(
    team: Team, owner: User, creator: User, mailoutbox: Box
) -> None:
    User.objects.filter(pk=creator.pk).update(is_active=False)
    members.remove(team, owner, team.memberships.get(user=creator))
    assert mailoutbox == []


def test_a_new_second_factor_is_told_without_its_secret(
    owner: User,
    client_of: ClientOf,
    mailoutbox: Box,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]],
) -> None:
    client = client_of(owner)
    secret = shown_secret(client.get(reverse("mfa_activate_totp")))
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert [mail.to for mail in mailoutbox] == [[owner.email]] * len(mailoutbox)
    assert any("Authenticator app activated" in mail.body for mail in mailoutbox)
    assert secret not in "".join(mail.body + mail.subject for mail in mailoutbox)


def test_a_changed_password_is_told_without_it(
    owner: User, client_of: ClientOf, mailoutbox: Box
) -> None:
    new = "canary battery 7f3a"
    client_of(owner).post(
        reverse("account_change_password"),
        {"oldpassword": "correct horse", "password1": new, "password2": new},
    )
    owner.refresh_from_db()
    assert owner.check_password(new)
    assert any("password has been changed" in mail.body for mail in mailoutbox)
    assert new not in "".join(mail.body for mail in mailoutbox)
