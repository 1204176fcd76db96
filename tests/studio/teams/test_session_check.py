"""A sign-in that was admitted to a team ends with its session, its password, its person and its
membership, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.http import Http404
from django.test import Client
from django.utils import timezone

from studio.models import Membership, Role, Team, User
from studio.teams import session_check
from studio.teams.session_check import SignedOut, admit, still_admitted, still_may_see

pytestmark = pytest.mark.django_db


def key_of(client: Client) -> str:
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


@pytest.fixture
def browser(client_of: Callable[[User], Client], viewer: User) -> Client:
    return client_of(viewer)


def test_a_member_is_admitted_and_stays(browser: Client, team: Team, viewer: User) -> None:
    admitted = admit(key_of(browser), team.slug)
    assert (admitted.user_id, admitted.team_id) == (viewer.pk, team.pk)
    assert still_may_see(admitted)


@pytest.mark.parametrize("key", [None, "", "x" * 32, "\x00", "ü"])
def test_nobody_is_signed_out(team: Team, key: str | None) -> None:
    with pytest.raises(SignedOut):
        admit(key, team.slug)


def test_a_stranger_is_told_nothing(
    client_of: Callable[[User], Client], stranger: User, team: Team
) -> None:
    key = key_of(client_of(stranger))
    for slug in (team.slug, "no-such-team", "\x00"):
        with pytest.raises(Http404):
            admit(key, slug)


def _sign_out(browser: Client, user: User, team: Team) -> None:
    browser.logout()


def _deactivate(browser: Client, user: User, team: Team) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def _new_password(browser: Client, user: User, team: Team) -> None:
    user.set_password("three other words")
    user.save(update_fields=["password"])


def _remove(browser: Client, user: User, team: Team) -> None:
    Membership.objects.filter(user=user, team=team).delete()


def _expire(browser: Client, user: User, team: Team) -> None:
    from django.contrib.sessions.models import Session

    Session.objects.filter(session_key=key_of(browser)).update(expire_date=timezone.now())


@pytest.mark.parametrize("end", [_sign_out, _deactivate, _new_password, _remove, _expire])
def test_it_ends_with(
    end: Callable[[Client, User, Team], None],
    browser: Client,
    client_of: Callable[[User], Client],
    creator: User,
    viewer: User,
    team: Team,
) -> None:
    other = admit(key_of(client_of(creator)), team.slug)
    mine = admit(key_of(browser), team.slug)
    end(browser, viewer, team)
    assert still_admitted([mine, other]) == {other}


def test_another_role_or_team_ends_nothing(browser: Client, viewer: User, team: Team) -> None:
    admitted = admit(key_of(browser), team.slug)
    Membership.objects.filter(user=viewer).update(role=Role.CREATOR)
    Team.start("Another", viewer)
    assert still_may_see(admitted)


def test_many_cost_two_queries_for_every_portion(
    browser: Client, team: Team, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    admitted = admit(key_of(browser), team.slug)
    others = [
        session_check.TeamSession(f"{n:032}", admitted.user_id, n, admitted.auth_hash)
        for n in range(1, 999)
    ]
    with django_assert_num_queries(6):
        assert still_admitted([admitted, *others]) == {admitted}
