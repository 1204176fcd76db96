"""Invitations to a team: who may take them, once, and what each page says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from studio.common import clock
from studio.models import Membership, Role, Team, User
from studio.teams import confirmed, invitations
from studio.teams.invitations import Problem, Wish
from tests.html import parse, text
from tests.studio.teams.test_invitations import (
    NEW,
    PASSWORD,
    ClientOf,
    invite,
    made,
    roles,
    sign_up,
)

pytestmark = pytest.mark.django_db


def accept(client: Client, link: str) -> Any:
    page = client.get(link, follow=True)
    action = page.redirect_chain[-1][0] if page.redirect_chain else link
    return client.post(action, follow=True)


def confirmed_user(email: str) -> User:
    user = User.objects.create_user(email, PASSWORD)
    confirmed.confirm(user)
    return user


# ── accepting ─────────────────────────────────────────────────────────────────────────────────────


def test_a_new_person_signs_up_with_a_link_and_is_in(
    settings: Any, team: Team, owner: User
) -> None:
    settings.SIGNUP = "invited"
    client, link = Client(), made(team, owner, Role.VIEWER)
    page = client.get(link, follow=True)
    assert "Join Studio North" in text(page)
    assert link.rsplit("/", 2)[1] not in str(page.redirect_chain[-1])
    assert "You join Studio North with it, as Viewer." in text(client.get("/accounts/signup/"))
    page = sign_up(client)
    assert page.redirect_chain[-1][0] == "/t/north/"
    other = Client()
    Team.objects.update(personal=True)  # as that of who has signed up to it
    other.get(made(team, owner), follow=True)
    assert sign_up(other, "fay@example.org").redirect_chain[-1][0] == "/t/north/"
    assert roles(team)[NEW] == Role.VIEWER
    assert sign_up(Client().get(link, follow=True).client, "two@example.org").status_code == 200
    assert not User.objects.filter(email="two@example.org").exists(), "it was spent"


def test_closed_is_for_who_has_an_account(
    settings: Any, team: Team, owner: User, stranger: User, client_of: ClientOf
) -> None:
    settings.SIGNUP = "closed"
    link, client = made(team, owner), Client()
    page = client.get(link, follow=True)
    assert "makes no new accounts" in text(page)
    sign_up(client)
    assert not User.objects.filter(email=NEW).exists()
    theirs = client_of(stranger)
    accept(theirs, link)
    assert roles(team)[stranger.email] == Role.CREATOR


def test_who_has_an_account_signs_in_and_is_led_back(
    team: Team, owner: User, stranger: User
) -> None:
    client = Client()
    page = client.get(made(team, owner), follow=True)
    there = parse(page).named("a.btn", "sign in")["href"]
    data = {"login": stranger.email, "password": "correct horse"}
    page = client.post(there, data | {"next": there.split("next=")[1].replace("%2F", "/")})
    assert page["Location"].startswith("/invitations/")
    client.post(page["Location"])
    assert roles(team)[stranger.email] == Role.CREATOR
    assert team.invitations.get().used_by == stranger


def test_twice_in_two_tabs_is_one_membership(
    team: Team, owner: User, stranger: User, client_of: ClientOf
) -> None:
    client, link = client_of(stranger), made(team, owner)
    accept(client, link)
    page = accept(client, link)
    assert page.status_code == 200
    assert "You are in this team already" in text(page)
    assert team.memberships.filter(user=stranger).count() == 1


def test_with_a_mail_server_an_address_is_confirmed_before_its_person_is_in(
    mailing: Any, team: Team, owner: User
) -> None:
    mailing.SIGNUP = "invited"
    client = Client()
    link = made(team, owner)
    client.get(link, follow=True)
    sign_up(client)
    eva = User.objects.get(email=NEW)
    assert NEW not in roles(team)
    other = Client()
    other.get(link, follow=True)
    sign_up(other, "two@example.org")
    assert not User.objects.filter(email="two@example.org").exists(), "one link, one account"
    confirmed.confirm(eva)
    elsewhere = Client()
    elsewhere.force_login(eva)
    home = parse(elsewhere.get("/"))
    waiting = home.named(".ways-in a", "Look at it")["href"]
    assert elsewhere.post(waiting, follow=True).status_code == 200
    assert roles(team)[NEW] == Role.CREATOR


@pytest.mark.parametrize("shown", [True, False])
def test_an_invitation_for_an_address_is_only_taken_by_its_confirmed_owner(
    mailing: Any, team: Team, owner: User, client_of: ClientOf, shown: bool
) -> None:
    link = made(team, owner, email=NEW, mailed=not shown)
    thief, claims = confirmed_user("thief@example.org"), User.objects.create_user(NEW, PASSWORD)
    for user, said in ((thief, "for somebody else"), (claims, "Confirm your address first")):
        page = accept(client_of(user), link)
        assert page.status_code == 403
        assert said in text(page)
        assert user.email not in roles(team)
    confirmed.confirm(claims)
    accept(client_of(claims), link)
    assert roles(team)[NEW] == Role.CREATOR


def test_one_address_in_two_spellings(mailing: Any, team: Team, owner: User) -> None:
    eva = confirmed_user("eva@bücher.example")
    one = invitations.make(
        team, owner, [Wish(Role.VIEWER, email="eva@bücher.example")], mailed=True
    )[0]
    assert invitations.problem_for(one.invitation, eva) is None
    xn = confirmed_user("ida@xn--bcher-kva.example")
    two = invitations.make(
        team, owner, [Wish(Role.VIEWER, email="ida@bücher.example")], mailed=True
    )[0]
    assert invitations.problem_for(two.invitation, xn) is None


def test_a_shown_link_for_an_address_confirms_nothing(
    mailing: Any, team: Team, owner: User
) -> None:
    """Who invites sees it, so an account made with it has not shown that the address is theirs."""
    client = Client()
    client.get(made(team, owner, email=NEW), follow=True)
    sign_up(client, NEW)
    assert not confirmed.is_confirmed(User.objects.get(email=NEW))
    assert NEW not in roles(team)


def test_going_on_as_somebody_else(
    mailing: Any, team: Team, owner: User, stranger: User, client_of: ClientOf
) -> None:
    client = client_of(stranger)
    page = client.get(made(team, owner, email=NEW), follow=True)
    there = parse(page).one("form[action$='/switch/']")["action"]
    page = client.post(there, follow=True)
    assert "_auth_user_id" not in client.session
    assert "Join Studio North" in text(page)


# ── each with its page ────────────────────────────────────────────────────────────────────────────


def _revoked(team: Team, owner: User) -> None:
    invitations.revoke(team, owner, team.invitations.get().public_id)


def _expired(team: Team, owner: User) -> None:
    team.invitations.update(expires_at=clock.now() - timedelta(seconds=1))


def _used(team: Team, owner: User) -> None:
    invitations.accept(team.invitations.get(), confirmed_user("first@example.org"))


def _gone(team: Team, owner: User) -> None:
    team.delete()


def _without_right(team: Team, owner: User) -> None:
    other = User.objects.create_user("other@example.org", PASSWORD)
    Membership.objects.create(team=team, user=other, role=Role.OWNER)
    team.memberships.filter(user=owner).update(role=Role.CREATOR)


def _renewed(team: Team, owner: User) -> None:
    invitations.renew(team, owner, team.invitations.get().public_id, mailed=False)


@pytest.mark.parametrize(
    ("change", "problem", "status"),
    [
        (_revoked, Problem.REVOKED, 410),
        (_expired, Problem.EXPIRED, 410),
        (_used, Problem.USED, 410),
        (_gone, Problem.GONE, 410),
        (_without_right, Problem.MAKER, 410),
        (_renewed, Problem.UNKNOWN, 404),
    ],
)
@pytest.mark.parametrize("signed_in", [True, False])
def test_what_does_not_work_any_more_says_why(
    team: Team,
    owner: User,
    stranger: User,
    change: Callable[[Team, User], None],
    problem: Problem,
    status: int,
    signed_in: bool,
) -> None:
    client = Client()
    if signed_in:
        client.force_login(stranger)
    link = made(team, owner)
    here = client.get(link, follow=True).redirect_chain[-1][0]
    change(team, owner)
    for page in (
        client.get(link, follow=True),
        client.get(here),
        *([client.post(here)] if signed_in else []),
    ):
        assert page.status_code == status
        assert str(problem.label) in text(page)
    assert not Membership.objects.filter(user=stranger, team__slug="north").exists()


def test_the_table_says_what_no_longer_counts_and_another_takes_it_over(
    team: Team, owner: User, admin: User, client_of: ClientOf
) -> None:
    made(team, admin, note="Eva")
    team.memberships.filter(user=admin).update(role=Role.VIEWER)
    page = parse(client_of(owner).get(f"/t/{team.slug}/team/"))
    assert "does not count any more" in page.one(".invited tbody tr").text
    one = team.invitations.get()
    invitations.renew(team, owner, one.public_id, mailed=False)
    one.refresh_from_db()
    assert (one.made_by, invitations.ended(one)) == (owner, None)


def test_nonsense_and_foreign_addresses_find_nothing(
    team: Team, owner: User, stranger: User, client_of: ClientOf
) -> None:
    made(team, owner)
    one = team.invitations.get()
    for word in ("x", "%00", "ü", "a" * 3000, one.public_id):
        for address in (f"/join-team/{word}/", f"/invitations/{word}/"):
            assert Client().get(address).status_code == 404
            assert client_of(stranger).post(address).status_code in (404, 405)
    assert stranger.email not in roles(team)


def test_what_is_said_does_not_tell_who_has_an_account(
    mailing: Any, team: Team, owner: User, stranger: User, client_of: ClientOf
) -> None:
    confirmed.confirm(stranger)
    client = client_of(owner)
    said = []
    for email in (stranger.email, "nobody@example.com"):
        for how in ("link", "mail"):
            answer = invite(client, team, **{"who-0": email, "how": how})
            page = text(client.get(f"/t/{team.slug}/team/")) if how == "mail" else text(answer)
            page = re.sub(r"\d\d:\d\d", "…", page.replace(email, "…"))
            said.append((how, answer.status_code, page))
        team.invitations.all().delete()
    assert said[:2] == said[2:]
