"""The settings of a team: what each changes, who may, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from jobs.pages.team.settings_form import SettingsForm
from studio.models import Role, Team, User
from studio.models.audit import AuditEntry
from tests import files, makers
from tests.html import parse

ClientOf = Callable[[User], Client]


def given(team: Team, **changes: Any) -> dict[str, Any]:
    """What the page sends when `changes` are made on it."""
    fields = {
        "name": team.name,
        "default_shape": team.default_shape,
        "currency": team.currency,
        "creators_connect": "on" if team.creators_connect else "",
        "time_zone": team.time_zone,
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def url(team: Team, name: str = "team_settings") -> str:
    return reverse(name, args=[team.slug])


def test_only_who_may_manage_the_team_gets_in(
    team: Team, owner: User, admin: User, creator: User, viewer: User, client_of: ClientOf
) -> None:
    for user, status in ((owner, 200), (admin, 200), (creator, 403), (viewer, 403)):
        assert client_of(user).get(url(team)).status_code == status
    assert client_of(creator).post(url(team), given(team, name="Mine")).status_code == 403
    team.refresh_from_db()
    assert team.name == "Studio North"


def test_who_may_not_set_limits_begins_no_new_day_of_them(
    team: Team, admin: User, owner: User, client_of: ClientOf
) -> None:
    """Another time zone begins another day, and at the end of a month another month."""
    for user, zone in ((admin, "UTC"), (owner, "Pacific/Apia")):
        answer = client_of(user).post(url(team), given(team, time_zone="Pacific/Apia"))
        assert answer.status_code == 302
        team.refresh_from_db()
        assert team.time_zone == zone, user


def test_everything_of_the_form_is_written(team: Team, owner: User, client_of: ClientOf) -> None:
    answer = client_of(owner).post(
        url(team),
        given(
            team,
            name="  Studio   South ",
            default_shape="3:4",
            currency="CNY",
            creators_connect="on",
            time_zone="Asia/Tokyo",
        ),
    )
    assert answer.status_code == 302
    team.refresh_from_db()
    assert team.name == "Studio South"
    assert (team.default_shape, team.currency) == ("3:4", "CNY")
    assert team.creators_connect
    assert team.time_zone == "Asia/Tokyo"
    assert team.slug == "north"  # links that people have go on
    told = AuditEntry.objects.get(event="settings.team-changed")
    assert (told.by, told.team) == (owner, team)
    assert told.after["default_shape"] == "3:4"
    assert told.before["name"] == "Studio North"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "  "),
        ("name", "x" * 81),
        ("default_shape", "5:9"),
        ("currency", "XXX"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(
    team: Team, owner: User, client_of: ClientOf, field: str, value: str
) -> None:
    answer = client_of(owner).post(url(team), given(team, **{field: value}))
    assert answer.status_code == 422
    assert parse(answer).has(f"#id_{field}_error")
    before = Team.objects.get(pk=team.pk)
    assert (before.name, before.default_shape, before.currency) == ("Studio North", "", "USD")


# ── the currency ──


def test_the_currency_is_open_until_the_ledger_has_an_entry(
    team: Team, owner: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    page = client.get(url(team))
    assert b"fixed for ever" in page.content
    assert parse(page).has("input[name=currency]")
    makers.job(team, owner)
    page = client.get(url(team))
    assert not parse(page).has("input[name=currency]")
    assert b"fixed for ever" in page.content
    answer = client.post(url(team), given(team, currency="CNY"))
    assert answer.status_code == 422
    team.refresh_from_db()
    assert team.currency == "USD"


def test_a_hold_between_the_look_and_the_save_keeps_the_currency(team: Team, owner: User) -> None:
    form = SettingsForm(given(team, currency="CNY"), team=team, by=owner, sets_limits=True)
    assert form.is_valid()
    makers.job(team, owner)
    with pytest.raises(Exception, match="fixed for ever"):
        form.save()
    team.refresh_from_db()
    assert team.currency == "USD"


def test_the_page_that_makes_a_team_says_the_same(stranger: User, client_of: ClientOf) -> None:
    assert b"fixed for ever" in client_of(stranger).get("/teams/new/").content


# ── the picture ──


def test_a_picture_is_kept_small_and_shown_to_members_only(
    team: Team, owner: User, viewer: User, stranger: User, client_of: ClientOf
) -> None:
    client = client_of(owner)
    assert client.get(url(team, "team_picture")).status_code == 404
    sent = SimpleUploadedFile("Logo.PNG", files.png(1600, 900), "image/png")
    assert client.post(url(team), given(team) | {"picture": sent}).status_code == 302
    team.refresh_from_db()
    name = str(team.picture.name)
    assert name.startswith(f"{team.pk}/picture-")
    shown = client_of(viewer).get(url(team, "team_picture"))
    assert shown["Content-Type"] == "image/webp"
    assert shown["Cache-Control"].startswith("private")
    body = shown.getvalue()
    assert body[:4] == b"RIFF"
    assert len(body) < 60_000
    assert client_of(stranger).get(url(team, "team_picture")).status_code == 404
    assert Client().get(url(team, "team_picture")).status_code == 302
    assert not team.assets.exists()  # it is no file of the library

    client.post(url(team), given(team) | {"no_picture": "on"})
    team.refresh_from_db()
    assert not team.picture


def test_the_old_picture_goes_when_another_comes(
    team: Team, owner: User, client_of: ClientOf, django_capture_on_commit_callbacks: Any
) -> None:
    names = []
    for size in (300, 400):
        sent = SimpleUploadedFile("logo.png", files.png(size, size), "image/png")
        with django_capture_on_commit_callbacks(execute=True):
            client_of(owner).post(url(team), given(team) | {"picture": sent})
        team.refresh_from_db()
        names.append(str(team.picture.name))
    assert not default_storage.exists(names[0])
    assert default_storage.exists(names[1])


@pytest.mark.parametrize(
    "content", [b"no picture at all", files.mp3(seconds=1)], ids=["words", "a sound"]
)
def test_what_is_no_picture_is_refused(
    team: Team, owner: User, client_of: ClientOf, content: bytes
) -> None:
    sent = SimpleUploadedFile("logo.png", content, "image/png")
    answer = client_of(owner).post(url(team), given(team, name="Other") | {"picture": sent})
    assert answer.status_code == 422
    team.refresh_from_db()
    assert team.name == "Studio North"
    assert not team.picture


# ── the usual shape ──


def test_a_create_page_begins_with_the_usual_shape(
    team: Team, creator: User, client_of: ClientOf
) -> None:
    makers.account(team)
    client, page = client_of(creator), reverse("jobs:portrait", args=[team.slug])

    def chosen(address: str) -> str:
        return parse(client.get(address)).one("input[name=ratio][checked]")["value"]

    assert chosen(page) == "1:1"
    Team.objects.filter(pk=team.pk).update(default_shape="3:4")
    assert chosen(page) == "3:4"
    assert chosen(f"{page}?ratio=1:1") == "1:1"
    # A shape that this model does not have changes nothing.
    Team.objects.filter(pk=team.pk).update(default_shape="9:16")
    assert chosen(page) == "1:1"


def test_a_choice_against_the_usual_shape_stays_in_the_address(team: Team, creator: User) -> None:
    from jobs.catalogue import entries
    from jobs.pages.create.draft_form import DraftForm

    team.default_shape = "3:4"
    spec = entries.get("emo-v1")
    draft = DraftForm({"ratio": "1:1"}, spec=spec, team=team).draft
    assert draft.fields()["ratio"] == "1:1"
    again = DraftForm(draft.fields(), spec=spec, team=team).draft
    assert again.chosen["ratio"] == "1:1"
    assert "ratio" not in DraftForm({}, spec=spec, team=team).draft.fields()


# ── who may add connections ──


def test_creators_add_connections_only_where_the_team_lets_them(
    team: Team, creator: User, viewer: User, client_of: ClientOf
) -> None:
    add = reverse("jobs:account_new", args=[team.slug])
    assert client_of(creator).get(add).status_code == 403
    Team.objects.filter(pk=team.pk).update(creators_connect=True)
    assert client_of(creator).get(add).status_code == 200
    assert client_of(viewer).get(add).status_code == 403
    assert client_of(creator).get(reverse("jobs:keys", args=[team.slug])).status_code == 403


def test_what_is_stored_is_shown_beside_the_limit(
    team: Team, owner: User, client_of: ClientOf
) -> None:
    Team.objects.filter(pk=team.pk).update(storage_limit_mb=200)
    makers.asset(team, content=b"x" * 3 * 1024 * 1024)
    page = client_of(owner).get(url(team)).content.decode()
    assert "3.0\N{NO-BREAK SPACE}MB of the 200.0\N{NO-BREAK SPACE}MB" in page


def test_the_table_on_the_team_page_says_who_may_add_connections(
    team: Team, creator: User, client_of: ClientOf
) -> None:
    def creators_cell() -> str:
        page = parse(client_of(creator).get(url(team, "team")))
        rows = [row for row in page.all("tr") if "Add a Model Studio connection" in row.text]
        return rows[0].texts("td")[list(Role).index(Role.CREATOR)]

    before = creators_cell()
    Team.objects.filter(pk=team.pk).update(creators_connect=True)
    assert creators_cell() != before
