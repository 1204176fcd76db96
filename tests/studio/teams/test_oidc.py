"""Signing in through an OpenID Connect service: in, linked, confirmed, out; and nobody who should
not be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import get_resolver, reverse

from studio.audit.events import Event
from studio.models import Membership, Role, Team, User
from studio.models.audit import AuditEntry
from studio.teams import confirmed, oidc, sign_up_links
from tests.studio.teams import oidc_service
from tests.studio.teams.factor_steps import code_of, is_in, with_app
from tests.studio.teams.oidc_service import Service, begins, comes_back, signs_in

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib"),
]


def text_of(page: Any) -> str:
    return str(page.content.decode())


# ── in ────────────────────────────────────────────────────────────────────────────────────────────


def test_somebody_new_signs_in_and_is_the_same_next_time(mia: str, company: Service) -> None:
    client = Client()
    page = signs_in(client, company, mia)
    assert page.status_code == 302
    assert is_in(client)
    user = User.objects.get(email="mia@example.com")
    assert (user.first_name, user.has_usable_password()) == ("Mia", False)
    assert confirmed.is_confirmed(user)
    assert user.teams.get().personal
    other = Client()
    signs_in(other, company, mia)
    assert other.session["_auth_user_id"] == str(user.pk)
    assert User.objects.count() == 1


def test_question_and_answer_are_bound_to_each_other(mia: str, company: Service) -> None:
    signs_in(Client(), company, mia)
    asked = company.asked[-1]
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["nonce"]) >= 24
    assert len(asked["state"]) >= 16
    assert asked["response_type"] == "code"


def test_an_answer_counts_once_and_in_one_browser(mia: str, company: Service) -> None:
    client, other = Client(), Client()
    back = company.signs_in(mia, begins(client))
    assert "belongs to nothing" in text_of(comes_back(other, back))
    assert not is_in(other)
    comes_back(client, back)
    assert is_in(client)
    assert comes_back(client, back).status_code == 403


def test_it_leads_back_inside_only(mia: str, company: Service) -> None:
    page = signs_in(Client(), company, mia, next="/sign-ins/")
    assert page["Location"] == "/sign-ins/"
    page = signs_in(Client(), company, mia, next="https://evil.example/")
    assert "evil" not in page["Location"]


def test_a_refusal_there_is_told(configure: object) -> None:
    page = Client().get(reverse("oidc_callback"), {"error": "access_denied", "state": "x"})
    assert "Company did not sign you in" in text_of(page)


def test_the_second_factor_is_asked_for_here_too(
    owner: User, company: Service, configure: object
) -> None:
    confirmed.confirm(owner)
    secret = with_app(owner)
    sub = company.person("aiko", email=owner.email, email_verified=True)
    client = Client()
    page = signs_in(client, company, sub)
    assert page["Location"] == reverse("mfa_authenticate")
    assert not is_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert is_in(client)


def test_a_deactivated_person_stays_out(mia: str, company: Service) -> None:
    signs_in(Client(), company, mia)
    User.objects.update(is_active=False)
    client = Client()
    signs_in(client, company, mia)
    assert not is_in(client)


def test_the_page_to_sign_in_offers_it_only_when_there_is_one(
    client: Client, configure: object, settings: Any
) -> None:
    assert "Sign in with Company" in text_of(client.get(reverse("account_login")))
    settings.OIDC = None
    assert "Company" not in text_of(client.get(reverse("account_login")))
    assert client.post(reverse("oidc_begin")).status_code == 404
    assert client.get(reverse("oidc_callback")).status_code == 404


@pytest.mark.usefixtures("configure")
def test_without_one_none_of_its_addresses_is_there(
    owner: User, client_of: Callable[[User], Client], settings: Any
) -> None:
    settings.OIDC = None
    client = client_of(owner)
    names = [name for name in get_resolver().reverse_dict if str(name).startswith("oidc_")]
    assert {"oidc_begin", "oidc_callback", "oidc_unlink"} <= set(names)
    for name in names:
        for ask in (client.get, client.post):
            assert ask(reverse(name)).status_code in (302, 404, 405), name
    assert client.post(reverse("oidc_unlink")).status_code == 404


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("trusts", "verified"), [(False, True), (True, False), (True, None), (False, False)]
)
def test_an_address_that_nobody_vouches_for_opens_nothing(
    trusts: bool, verified: bool | None, owner: User, company: Service, configure: Any
) -> None:
    confirmed.confirm(owner)
    configure(trusts_email=trusts)
    answers = []
    for email in (owner.email, "nobody@example.com"):
        claims: dict[str, object] = {"email": email}
        if verified is not None:
            claims["email_verified"] = verified
        client = Client()
        page = signs_in(client, company, company.person("eve", **claims))
        assert not is_in(client)
        answers.append((page.status_code, page.content.count(b"nothing here does yet")))
    assert answers == [(403, 1), (403, 1)], "and both addresses get the same answer"
    assert not SocialAccount.objects.exists()
    assert User.objects.count() == 1


def test_a_vouched_address_signs_in_to_the_account_that_confirmed_it(
    owner: User, company: Service, configure: object
) -> None:
    confirmed.confirm(owner)
    client = Client()
    signs_in(client, company, company.person("a1", email="Aiko@Example.com", email_verified=True))
    assert client.session["_auth_user_id"] == str(owner.pk)
    assert AuditEntry.objects.filter(event=Event.SIGN_IN_LINKED, person_id=owner.pk).exists()


def test_an_account_that_only_claimed_it_is_the_owners_now(
    stranger: User, company: Service, configure: object
) -> None:
    with_app(stranger)
    EmailAddress.objects.create(user=stranger, email="other@example.com", verified=False)
    client = Client()
    sub = company.person("s1", email=stranger.email, email_verified=True)
    signs_in(client, company, sub)
    assert is_in(client), "what the claimer set up asks nobody for anything"
    stranger.refresh_from_db()
    assert not stranger.has_usable_password()
    assert not EmailAddress.objects.filter(email="other@example.com").exists()


@pytest.mark.parametrize("signup", ["invited", "closed"])
def test_without_an_invitation_nobody_new_comes_in(
    signup: str, mia: str, company: Service, settings: Any
) -> None:
    settings.SIGNUP = signup
    client = Client()
    assert "by invitation only" in text_of(signs_in(client, company, mia))
    assert not is_in(client)
    assert not User.objects.exists()


def test_an_operators_link_invites(mia: str, company: Service, settings: Any) -> None:
    settings.SIGNUP = "invited"
    for email, comes_in in (("other@example.com", False), ("mia@example.com", True)):
        client = Client()
        client.get(sign_up_links.make(email).replace(settings.PUBLIC_URL, ""))
        signs_in(client, company, mia)
        assert is_in(client) is comes_in


# ── groups ────────────────────────────────────────────────────────────────────────────────────────


def in_groups(company: Service, *names: str) -> str:
    claims = {"email": "mia@example.com", "email_verified": True, "groups": list(names)}
    return company.person("mia", **claims)


def test_groups_give_teams_and_roles_and_take_them_back(
    team: Team, owner: User, company: Service, configure: Any, settings: Any
) -> None:
    settings.SIGNUP = "invited"
    configure(
        groups=oidc_service.groups(
            ("editors", "north", "creator"), ("leads", "north", "admin"), ("x", "gone", "viewer")
        )
    )

    def role() -> str | None:
        found = Membership.objects.filter(team=team, user__email="mia@example.com").first()
        return found.role if found else None

    signs_in(Client(), company, in_groups(company, "editors", "x"))
    assert role() == Role.CREATOR
    assert User.objects.get(email="mia@example.com").teams.count() == 1, "no team of their own"
    signs_in(Client(), company, in_groups(company, "leads", "editors"))
    assert role() == Role.ADMIN
    signs_in(Client(), company, in_groups(company, "editors"))
    assert role() == Role.CREATOR
    signs_in(Client(), company, in_groups(company))
    assert role() is None
    told = AuditEntry.objects.filter(team=team).order_by("id").values_list("event", flat=True)
    assert [one for one in told if one.startswith("people.")] == [
        Event.ADDED,
        Event.ROLE_CHANGED,
        Event.ROLE_CHANGED,
        Event.REMOVED,
    ]


def test_a_membership_that_people_gave_stays(
    team: Team, owner: User, creator: User, company: Service, configure: Any
) -> None:
    configure(groups=oidc_service.groups(("leads", "north", "admin")))
    for user, role in ((creator, Role.CREATOR), (owner, Role.OWNER)):
        confirmed.confirm(user)
        claims = {"email": user.email, "email_verified": True, "groups": []}
        signs_in(Client(), company, company.person(user.first_name, **claims))
        assert Membership.objects.get(user=user, team=team).role == role


def test_closed_is_closed_for_groups_too(
    team: Team, owner: User, company: Service, configure: Any, settings: Any
) -> None:
    settings.SIGNUP = "closed"
    configure(groups=oidc_service.groups(("editors", "north", "creator")))
    client = Client()
    signs_in(client, company, in_groups(company, "editors"))
    assert not is_in(client)


# ── a service that does not answer ────────────────────────────────────────────────────────────────


def test_a_service_that_is_away_is_told(settings: Any, configure: Any) -> None:
    configure(issuer="http://127.0.0.1:1")
    page = Client().post(reverse("oidc_begin"))
    assert page.status_code == 503
    assert "cannot be reached" in text_of(page)


def test_another_issuers_document_is_not_believed(
    configure: object, company: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = dict(requests.get(f"{company.address}/.well-known/openid-configuration").json())
    wrong["issuer"] = "https://other.example"
    monkeypatch.setattr(requests.Response, "json", lambda answer: wrong)
    assert Client().post(reverse("oidc_begin")).status_code == 503


def test_few_wait_for_it_at_once(configure: object) -> None:
    with oidc.turn(), oidc.turn():
        page = Client().post(reverse("oidc_begin"))
    assert page.status_code == 503
    assert "others wait for it too" in text_of(page)
