"""“Is it you?”: which doors ask, for how long an answer counts, and that nothing typed is lost."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path, reverse

from jobs.models import Account, ApiKey
from studio.models import Team, User
from studio.teams import access, sign_in_urls
from studio.teams.permissions import Permission
from studio.teams.step_up import MARK, confirm_first
from tests.studio.teams.factor_steps import (
    PASSWORD,
    code_of,
    forget_limits,
    grown_old,
    with_app,
)

pytestmark = pytest.mark.django_db
# Doors of the person's own that must ask: what lets somebody in, and what leads out with somebody's
# data. One that the site does not have is no door.
OWN = {
    "account_email",
    "account_change_password",
    "account_set_password",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_add_webauthn",
    "mfa_remove_webauthn",
    "mfa_edit_webauthn",
    "oidc_unlink",
    "personal_data",
}
# Doors of a team must ask by what they need: keys and connections, limits, roles, the team itself.
SENSITIVE = {
    Permission.MANAGE_CONNECTIONS,
    Permission.SET_LIMITS,
    Permission.MANAGE_PEOPLE,
    Permission.REQUIRE_SECOND_FACTOR,
    Permission.DELETE_TEAM,
    Permission.OPEN_TO_DOMAIN,
}
# Those that need it and do not ask, with why not.
WITHOUT = {
    "jobs:keys": "only shows",
    "jobs:account_pause": "sends nothing, or what would be sent anyway; it must be quick",
    "jobs:key_test": "changes nothing",
    "jobs:key_expiry": "a note that reminds; no key is changed by it",
    "team_limits": "only shows",
    "invitation_revoke": "takes back what was given, and must be quick",
}


def named(resolver: URLResolver, space: str = "") -> dict[str, URLPattern]:
    found: dict[str, URLPattern] = {}
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            found = {**named(entry, inner), **found}
        elif entry.name:
            found.setdefault(f"{space}{entry.name}", entry)
    return found


def not_asking(name: str, entry: URLPattern) -> bool:
    """Whether the door `name` must ask and does not."""
    mark = str(getattr(entry.callback, access.MARK, ""))
    sensitive = mark.startswith("team:") and mark.rsplit(":", 1)[1] in SENSITIVE
    must = name in OWN or (sensitive and name not in WITHOUT)
    return must and not getattr(entry.callback, MARK, False)


def test_every_door_that_must_ask_does() -> None:
    doors = named(get_resolver())
    assert len(OWN & set(doors)) > 10
    assert sorted(name for name, entry in doors.items() if not_asking(name, entry)) == []


def test_a_door_that_does_not_ask_is_found() -> None:
    sensitive = access.team_page(write=Permission.SET_LIMITS)
    harmless = access.team_page(write=Permission.MAKE)

    def door(request: object) -> None: ...

    assert not_asking("limit", path("t/x/", sensitive(door), name="limit"))
    assert not not_asking("limit", path("t/x/", sensitive(confirm_first(door)), name="limit"))
    assert not not_asking("video", path("t/x/", harmless(door), name="video"))
    assert not_asking("oidc_unlink", path("x/", access.signed_in(door), name="oidc_unlink"))


@pytest.fixture
def old(owner: User, client_of: Callable[[User], Client]) -> Client:
    """The owner signed in a while ago."""
    return grown_old(client_of(owner))


def new_key(team: Team, account: Account) -> str:
    return reverse("jobs:key_new", args=[team.slug, account.public_id])


def carried(page: Any) -> dict[str, str]:
    """The hidden fields of the page that asks, as a browser sends them."""
    form = re.search(r"<form[^>]*data-passkey-form.*?</form>", page.content.decode(), re.S)
    assert form
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    }


def test_a_key_is_not_added_before_the_person_has_shown_who_they_are(
    old: Client, team: Team, account: Account
) -> None:
    before = ApiKey.objects.count()
    page = old.post(new_key(team, account), {"secret": "sk-new-0002"})
    assert page.status_code == 403
    assert "Is it you?" in page.content.decode()
    assert ApiKey.objects.count() == before


def test_what_was_typed_is_carried_out_and_lies_nowhere_meanwhile(
    old: Client, team: Team, account: Account, service: Any
) -> None:
    before = ApiKey.objects.count()
    page = old.post(new_key(team, account), {"secret": "sk-new-0002"})
    assert "no-store" in page["Cache-Control"]
    assert carried(page)["secret"] == "sk-new-0002"
    kept = [row.get_decoded() for row in Session.objects.all()]
    assert "sk-new" not in repr(kept)
    words = carried(page) | {"confirm_password": PASSWORD}
    assert old.post(new_key(team, account), words).status_code == 302
    assert ApiKey.objects.count() == before + 1
    assert PASSWORD not in repr([row.get_decoded() for row in Session.objects.all()])


def test_a_wrong_password_does_nothing_and_keeps_what_was_typed(
    old: Client, team: Team, account: Account
) -> None:
    words = {"secret": "sk-new-0002", "confirm_password": "wrong words"}
    page = old.post(new_key(team, account), words)
    assert page.status_code == 403
    assert "not your password" in page.content.decode()
    assert carried(page)["secret"] == "sk-new-0002"
    assert "wrong words" not in page.content.decode()


def test_wrong_answers_are_limited_like_sign_ins(old: Client, team: Team, account: Account) -> None:
    for _ in range(5):
        old.post(new_key(team, account), {"confirm_password": "wrong words"})
    page = old.post(new_key(team, account), {"confirm_password": PASSWORD})
    assert page.status_code == 403
    assert "Too many" in page.content.decode()


def test_a_code_shows_it_too(old: Client, owner: User) -> None:
    secret = with_app(owner)
    page = old.get(reverse("mfa_deactivate_totp"))
    assert page["Location"] == reverse("confirm") + "?next=%2Faccounts%2F2fa%2Fapp%2Foff%2F"
    words = {"next": reverse("mfa_deactivate_totp"), "confirm_code": code_of(secret)}
    assert old.post(reverse("confirm"), words)["Location"] == reverse("mfa_deactivate_totp")
    assert old.get(reverse("mfa_deactivate_totp")).status_code == 200


def test_tries_of_codes_are_limited_here_too(old: Client, owner: User) -> None:
    secret = with_app(owner)
    for n in range(5):
        old.post(reverse("confirm"), {"confirm_code": f"{n:06}"})
    page = old.post(reverse("confirm"), {"confirm_code": code_of(secret)})
    assert page.status_code == 422
    forget_limits()
    assert old.post(reverse("confirm"), {"confirm_code": code_of(secret)}).status_code == 302


def test_an_answer_counts_for_ten_minutes(owner: User, client_of: Callable[[User], Client]) -> None:
    client = grown_old(client_of(owner), 598)
    assert client.get(reverse("mfa_activate_totp")).status_code == 200
    grown_old(client, 5)
    assert client.get(reverse("mfa_activate_totp")).status_code == 302


def test_it_leads_nowhere_else(old: Client) -> None:
    words = {"next": "https://evil.example/", "confirm_password": PASSWORD}
    assert old.post(reverse("confirm"), words)["Location"] == reverse("security")


def test_who_may_not_is_told_so_and_not_asked(
    viewer: User, client_of: Callable[[User], Client], team: Team, account: Account
) -> None:
    page = grown_old(client_of(viewer)).post(new_key(team, account), {"secret": "sk-1"})
    assert page.status_code == 403
    assert "Is it you?" not in page.content.decode()


def test_a_sign_up_and_a_sign_in_count(client: Client, settings: Any) -> None:
    settings.SIGNUP = "open"
    words = {"email": "mia@example.com", "password1": "three quiet lamps"}
    client.post(reverse("account_signup"), words)
    assert client.get(reverse("mfa_activate_totp")).status_code == 200


def test_without_any_way_a_link_to_set_a_password_is_offered(
    owner: User, client_of: Callable[[User], Client]
) -> None:
    owner.set_unusable_password()
    owner.save(update_fields=["password"])
    client = grown_old(client_of(owner))
    page = client.get(reverse("confirm"))
    assert reverse("account_reset_password") in page.content.decode()
    words = {"password1": "new long words", "password2": "new long words"}
    assert client.post(reverse("account_set_password"), words).status_code == 403
    owner.refresh_from_db()
    assert not owner.has_usable_password()


def test_an_answer_of_htmx_takes_the_place_of_the_page(
    old: Client, team: Team, account: Account
) -> None:
    page = old.post(new_key(team, account), {"secret": "sk-1"}, headers={"HX-Request": "true"})
    assert page.status_code == 200
    assert page["HX-Retarget"] == "#main"
    assert b"<html" not in page.content


def test_every_address_of_signing_in_that_is_ours_wears_an_access_mark() -> None:
    """tests/test_access.py leaves out what is below /accounts/, since most of it is allauth's."""
    ours = [entry for entry in sign_in_urls.urlpatterns if isinstance(entry, URLPattern)]
    assert len(ours) > 20
    assert [entry.name for entry in ours if not getattr(entry.callback, access.MARK, "")] == []
