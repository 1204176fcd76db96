"""An account of the OpenID Connect service: linked and unlinked, asked to show that it is you, and
out again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.fernet import Fernet
from django.test import Client
from django.urls import reverse

from studio.models import User
from studio.teams import oidc
from tests.studio.teams.factor_steps import grown_old, is_in
from tests.studio.teams.oidc_service import Service, begins, comes_back, leads_to, signs_in

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib"),
]


def text_of(page: Any) -> str:
    return str(page.content.decode())


# ── linking, showing that it is you, and out ──────────────────────────────────────────────────────


def test_who_is_signed_in_links_it_and_unlinks_it(
    owner: User, client_of: Callable[[User], Client], company: Service, configure: Any
) -> None:
    configure(trusts_email=False)
    client = client_of(owner)
    assert "Link Company" in text_of(client.get(reverse("security")))
    page = signs_in(client, company, company.person("w1", email="w@work.example"), purpose="link")
    assert page["Location"] == reverse("security")
    assert "w@work.example" in text_of(client.get(reverse("security")))
    other = Client()
    signs_in(other, company, "w1")
    assert other.session["_auth_user_id"] == str(owner.pk)
    client.post(reverse("oidc_unlink"))
    third = Client()
    signs_in(third, company, "w1")
    assert not is_in(third)


def test_linking_asks_who_it_is(
    owner: User, client_of: Callable[[User], Client], configure: object
) -> None:
    page = grown_old(client_of(owner)).post(reverse("oidc_begin"), {"purpose": "link"})
    assert page["Location"].startswith(reverse("confirm"))


def test_an_account_of_somebody_else_is_not_linked(
    owner: User, client_of: Callable[[User], Client], mia: str, company: Service
) -> None:
    signs_in(Client(), company, mia)
    page = signs_in(client_of(owner), company, mia, purpose="link")
    assert "belongs to somebody else" in text_of(page)
    assert SocialAccount.objects.get().user.email == "mia@example.com"


def test_the_only_way_in_is_not_unlinked(mia: str, company: Service) -> None:
    client = Client()
    signs_in(client, company, mia)
    signs_in(client, company, mia, purpose="confirm")
    page = client.post(reverse("oidc_unlink"), follow=True)
    assert "your only way in" in text_of(page)
    assert SocialAccount.objects.exists()


def test_without_a_password_the_service_is_asked_again(mia: str, company: Service) -> None:
    client = Client()
    signs_in(client, company, mia)
    page = client.get(reverse("mfa_activate_totp"))
    assert page["Location"].startswith(reverse("confirm")), "having signed in there is not enough"
    assert "Ask Company" in text_of(client.get(page["Location"]))
    back = company.signs_in(mia, begins(client, purpose="confirm"))
    assert (company.asked[-1]["prompt"], company.asked[-1]["max_age"]) == ("login", "0")
    assert "It is you" in text_of(comes_back(client, back))
    assert client.get(reverse("mfa_activate_totp")).status_code == 200


def test_somebody_else_there_shows_nothing(
    mia: str, company: Service, owner: User, client_of: Callable[[User], Client]
) -> None:
    signs_in(Client(), company, mia)
    client = grown_old(client_of(owner))
    page = signs_in(client, company, mia, purpose="confirm")
    assert "recognised somebody else" in text_of(page)
    assert client.get(reverse("mfa_activate_totp")).status_code == 302


def test_signing_out_goes_on_to_the_service(mia: str, company: Service) -> None:
    client = Client()
    signs_in(client, company, mia)
    page = client.post(reverse("account_logout"))
    assert page["Location"] == reverse("oidc_signed_out")
    assert not is_in(client)
    address = leads_to(client.get(page["Location"]))
    assert address.startswith(f"{company.address}/oauth2/end_session?")
    assert "id_token_hint=ey" in address
    assert client.get(page["Location"])["Location"] == reverse("account_login")


def test_with_other_keys_one_is_signed_out_here_at_least(
    mia: str, company: Service, settings: Any
) -> None:
    client = Client()
    signs_in(client, company, mia)
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    assert client.post(reverse("account_logout"))["Location"] == reverse("account_login")
    assert not is_in(client)


def test_a_service_that_offers_no_end_is_left_alone(
    mia: str, company: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = oidc.discovered()
    monkeypatch.setattr(
        oidc, "discovered", lambda: {k: v for k, v in whole.items() if "end_session" not in k}
    )
    client = Client()
    signs_in(client, company, mia)
    assert client.post(reverse("account_logout"))["Location"] == reverse("account_login")


def test_who_came_with_a_password_is_signed_out_here_only(
    owner: User, client_of: Callable[[User], Client], configure: object
) -> None:
    page = client_of(owner).post(reverse("account_logout"))
    assert page["Location"] == reverse("account_login")


def test_the_list_of_sign_ins_names_the_service(mia: str, company: Service) -> None:
    client = Client(HTTP_USER_AGENT="Firefox")
    signs_in(client, company, mia)
    assert "Company" in text_of(client.get(reverse("sign_ins")))
