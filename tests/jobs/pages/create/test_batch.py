"""Many at once: a matrix of pictures and speeches, what fits of it, the checks that are missing,
one total, one click."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Account, Budget, Check, Job, JobSet, LedgerEntry
from jobs.pages.create.batch_draft import SIDE
from studio.models import Asset, Consent, Team, User
from tests import files, makers
from tests.html import parse, text

ClientOf = Callable[[User], Client]
HX: dict[str, Any] = {"headers": {"HX-Request": "true"}}


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:batch", args=[team.slug])


@pytest.fixture
def pictures(team: Team, account: Account) -> list[Asset]:
    """Checked, refused, never asked, and one that the limits do not let in."""
    good, bad, new = (makers.asset(team, name=f"{name}.jpg") for name in ("good", "bad", "new"))
    makers.check(good, account, answered_at=timezone.now())
    makers.check(bad, account, state="refused", sentence="No face was found.")
    return [good, bad, new, makers.asset(team, name="small.jpg", width=200, height=200)]


@pytest.fixture
def speeches(team: Team) -> list[Asset]:
    wav = {"extension": "wav", "format": "wav", "mime": "audio/wav"}
    long = makers.asset(
        team, "audio", files.wav(61.0, rate=8000), milliseconds=61_000, name="long.wav", **wav
    )
    return [makers.asset(team, "audio", name="hello.mp3"), long]


def draft(pictures: list[Asset], speeches: list[Asset], **more: Any) -> dict[str, Any]:
    return {
        "model": "emo-v1",
        "picture": [a.public_id for a in pictures],
        "speech": [a.public_id for a in speeches],
        **more,
    }


def cells(html: str) -> list[list[str]]:
    rows = [row for row in parse(html).all("tr") if row.has("th[scope=row]")]
    return [row.values("td", "data-cell") for row in rows]


def test_who_only_looks_makes_nothing(client_of: ClientOf, viewer: User, page: str) -> None:
    assert client_of(viewer).get(page).status_code == 403


def test_every_cell_says_whether_it_fits(
    client_of: ClientOf, creator: User, page: str, pictures: list[Asset], speeches: list[Asset]
) -> None:
    html = client_of(creator).get(page, draft(pictures, speeches)).content.decode()
    assert cells(html) == [["fits"] * 2, ["refused"] * 2, ["unknown"] * 2, ["refused"] * 2]
    shown = text(html)
    assert "No face was found." in shown
    assert "the short side needs 400 px" in shown
    # of a long speech as much is kept as the model takes, and its column says so
    assert "first 1 m 0 s of 1 m 1 s" in shown
    assert "$0.0459" in shown
    assert "$0.6881" in shown
    # only what fits is counted: 4 s and 60 s with the one checked picture
    assert "Make 2 films $0.7340" in shown


def test_a_cell_that_is_not_ticked_is_left_out_and_a_reload_remembers(
    client_of: ClientOf, creator: User, page: str, pictures: list[Asset], speeches: list[Asset]
) -> None:
    client = client_of(creator)
    names = [f"{pictures[0].public_id}.{speech.public_id}" for speech in speeches]
    fields = draft(pictures[:1], speeches, seen=names, cell=names[:1])
    answer = client.get(page, fields, **HX)
    assert "Make 1 film $0.0459" in text(answer.content.decode())
    html = client.get(answer["HX-Replace-Url"]).content.decode()
    assert "Make 1 film $0.0459" in text(html)
    assert parse(html).values("input[name=cell][checked]", "value") == names[:1]


def test_unknown_pictures_are_checked_with_one_click_at_one_price(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    page: str,
    speeches: list[Asset],
) -> None:
    client = client_of(creator)
    new = [makers.asset(team, name=f"new-{number}.jpg") for number in range(3)]
    fields = draft(new, speeches[:1])
    assert "Check 3 pictures — $0.0017" in text(client.get(page, fields).content.decode())
    html = client.post(page, fields | {"do": "check"}, **HX).content.decode()
    assert Check.objects.count() == 3
    assert sum(entry.held for entry in LedgerEntry.objects.all()) == 3 * 574
    assert 'hx-trigger="every 2s"' in html
    assert "Check 3 pictures" not in text(html)
    Check.objects.update(state="passed", answered_at=timezone.now())
    html = client.get(page, fields, **HX).content.decode()
    assert 'hx-trigger="every 2s"' not in html
    assert cells(html) == [["fits"]] * 3


def test_a_picture_that_came_meanwhile_is_not_checked_for_more_than_the_button_said(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    page: str,
    speeches: list[Asset],
) -> None:
    client, new = (
        client_of(creator),
        [makers.asset(team, name=f"new-{number}.jpg") for number in range(2)],
    )
    shown = hidden(
        client.get(page, draft(new[:1], speeches[:1])).content.decode(), "confirmed_prices"
    )
    html = client.post(
        page, draft(new, speeches[:1], confirmed_prices=shown, do="check"), **HX
    ).content.decode()
    assert "The price is $0.0011 now, and the button said $0.0006" in text(html)
    assert not Check.objects.exists()
    client.post(
        page,
        draft(new, speeches[:1], confirmed_prices=hidden(html, "confirmed_prices"), do="check"),
        **HX,
    )
    assert Check.objects.count() == 2


def test_pictures_whose_cells_are_all_taken_out_are_not_checked(
    client_of: ClientOf, creator: User, page: str, pictures: list[Asset], speeches: list[Asset]
) -> None:
    off = [f"{pictures[2].public_id}.{speech.public_id}" for speech in speeches]
    html = client_of(creator).get(page, draft(pictures[:3], speeches, off=off)).content.decode()
    assert not re.search(r"Check \d+ picture", text(html))


def test_one_click_makes_one_set_of_what_fits(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    page: str,
    speeches: list[Asset],
) -> None:
    client, checked = (
        client_of(creator),
        [makers.asset(team, name=f"p{number}.jpg") for number in range(2)],
    )
    for picture in checked:
        makers.check(picture, account, chosen={"ratio": "3:4"}, answered_at=timezone.now())
    fields = draft(
        checked, speeches, ratio="3:4", style_level="calm", title="Front desk", key="k", do="make"
    )
    fields["cell"] = fields["seen"] = [
        f"{p.public_id}.{s.public_id}" for p in checked for s in speeches
    ]
    first, second = client.post(page, fields), client.post(page, fields)
    made = JobSet.objects.get()
    assert first["Location"] == second["Location"] == made.get_absolute_url()
    assert (made.title, made.kind, made.jobs.count()) == ("Front desk", JobSet.Kind.BATCH, 4)
    assert {job.parameters["style_level"] for job in made.jobs.all()} == {"calm"}
    assert sorted(job.milliseconds for job in made.jobs.all()) == [4000, 4000, 60_000, 60_000]
    # the long speech was cut once for both
    assert Asset.objects.filter(parent=speeches[1]).count() == 1
    html = text(client.get(made.get_absolute_url()).content.decode())
    assert "4 films of “Front desk” are in line" in html
    assert "Many at once · 4 films: 4 under way" in html


def test_what_the_budget_has_no_room_for_is_off_and_cannot_be_sent_by_hand(
    client_of: ClientOf,
    creator: User,
    team: Team,
    page: str,
    pictures: list[Asset],
    speeches: list[Asset],
) -> None:
    Budget.objects.create(team=team, micros=100_000)
    fields = draft(pictures[:1], speeches)
    html = client_of(creator).get(page, fields).content.decode()
    assert parse(html).has("#generate[disabled]")
    assert "has $0.10 of $0.10 left" in text(html)
    fields["cell"] = fields["seen"] = [f"{pictures[0].public_id}.{s.public_id}" for s in speeches]
    assert client_of(creator).post(page, fields | {"do": "make", "key": "k"}).status_code == 422
    assert not Job.objects.exists()


def test_many_files_come_at_once_and_each_finds_its_side(
    client_of: ClientOf, creator: User, team: Team, account: Account, page: str
) -> None:
    sent = [
        SimpleUploadedFile("a.jpg", files.jpeg(640, 640), "image/jpeg"),
        SimpleUploadedFile("b.wav", files.wav(2.0), "audio/wav"),
        SimpleUploadedFile("c.txt", b"no media", "text/plain"),
    ]
    answer = client_of(creator).post(f"{page}?model=emo-v1", {"do": "upload", "files": sent})
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "c.txt: " in text(html)
    assert [len(row) for row in cells(html)] == [1]
    assert set(team.assets.values_list("kind", flat=True)) == {"image", "audio"}


def test_the_drop_zone_sends_each_file_by_itself_and_outlives_what_a_change_swaps(
    client_of: ClientOf, creator: User, account: Account, page: str, pictures: list[Asset]
) -> None:
    client = client_of(creator)
    assert 'data-takes="image audio"' in client.get(page).content.decode()
    html = client.post(page, draft(pictures, []), headers={"HX-Request": "true"}).content.decode()
    assert 'id="batch"' in html
    assert "data-upload" not in html


def test_files_of_another_team_are_not_here(
    client_of: ClientOf,
    creator: User,
    stranger: User,
    account: Account,
    page: str,
    speeches: list[Asset],
) -> None:
    foreign = makers.asset(stranger.teams.get(), name="foreign.jpg")
    html = client_of(creator).get(page, draft([foreign], speeches)).content.decode()
    assert "foreign.jpg" not in html
    assert cells(html) == []


def test_too_many_on_one_side_are_told_and_none_is_dropped_without_a_word(
    client_of: ClientOf,
    creator: User,
    account: Account,
    page: str,
    pictures: list[Asset],
    speeches: list[Asset],
) -> None:
    fields = draft(pictures, speeches)
    fields["picture"] = [
        *[f"unknown{number}" for number in range(SIDE)],
        *(picture.public_id for picture in pictures),
    ]
    assert f"At most {SIDE} pictures and {SIDE} speeches" in text(
        client_of(creator).get(page, fields).content.decode()
    )
    answer = client_of(creator).post(page, fields | {"do": "make"})
    assert answer.status_code == 422
    assert not Job.objects.exists()


def test_a_model_of_another_page_is_not_found(
    client_of: ClientOf, creator: User, page: str
) -> None:
    assert client_of(creator).get(page, {"model": "animate-anyone-gen2"}).status_code == 404


# ── consent ──
def test_nothing_is_made_of_a_person_without_the_word_of_somebody(
    client_of: ClientOf, creator: User, team: Team, account: Account, page: str
) -> None:
    client = client_of(creator)
    pictures = [makers.asset(team, name=f"{name}.jpg", consent=False) for name in ("ada", "ben")]
    for picture in pictures:
        makers.check(picture, account, answered_at=timezone.now())
    speech = makers.asset(team, "audio", name="hello.mp3", consent=False)
    fields = draft(pictures, [speech], key="k")
    html = client.get(page, fields).content.decode()
    assert "Say first that the team may use these pictures." in text(html)
    assert parse(html).has("#generate[disabled]")
    assert client.post(page, fields | {"do": "make"}).status_code == 422
    assert not Job.objects.exists()
    words = parse(html).values("input[type=checkbox][name=consent]", "value")
    assert words == [".".join(asset.public_id for asset in pictures), speech.public_id]
    assert "The team may use these people’s likenesses: ada.jpg, ben.jpg" in text(html)
    # a word for the pictures alone is none for the speech, and one for other files is none at all
    assert "may use these speeches" in text(
        client.get(page, fields | {"consent": words[:1]}).content.decode()
    )
    assert (
        client.post(
            page, fields | {"do": "make", "consent": [pictures[0].public_id, words[1]]}
        ).status_code
        == 422
    )
    answer = client.get(page, fields | {"consent": words}, **HX)
    assert "Say first" not in text(answer.content.decode())
    assert "Say first" not in text(client.get(answer["HX-Replace-Url"]).content.decode()), (
        "a reload keeps the ticks"
    )
    assert not Consent.objects.exists()
    assert client.post(page, fields | {"do": "make", "consent": words}).status_code == 302
    assert {row.asset: (row.by, row.said) for row in Consent.objects.all()} == {
        **dict.fromkeys(pictures, (creator, "The team may use this person’s likeness.")),
        speech: (creator, "The team may use this person’s voice."),
    }
    assert Job.objects.count() == 2
    assert 'name="consent"' not in client.get(page, fields).content.decode()


def test_a_film_that_is_taken_out_and_in_again_keeps_the_word_that_was_ticked(
    client_of: ClientOf, creator: User, page: str, pictures: list[Asset], speeches: list[Asset]
) -> None:
    Consent.objects.filter(asset__in=speeches).delete()
    client, picture = client_of(creator), pictures[0]
    both = [f"{picture.public_id}.{speech.public_id}" for speech in speeches]
    fields = draft([picture], speeches, seen=" ".join(both))
    html = client.post(
        page,
        fields
        | {"do": "show", "cell": both[:1], "consent": [".".join(a.public_id for a in speeches)]},
        **HX,
    ).content.decode()
    words = parse(html).values("[name=consent]", "value")
    assert sorted(words) == sorted(speech.public_id for speech in speeches)
    html = client.post(
        page, fields | {"do": "show", "cell": both, "consent": words}, **HX
    ).content.decode()
    assert "Say first" not in text(html)
    # what is not ticked any more is asked again with the other
    html = client.post(
        page, fields | {"do": "show", "cell": both, "consent": [speeches[1].public_id]}, **HX
    ).content.decode()
    assert "Say first that the team may use these speeches." in text(html)


def test_a_part_of_a_speech_inherits_the_word(
    client_of: ClientOf, creator: User, page: str, pictures: list[Asset], speeches: list[Asset]
) -> None:
    Consent.objects.filter(asset=speeches[1]).delete()
    fields = draft(pictures[:1], speeches[1:], key="k", do="make", consent=[speeches[1].public_id])
    assert client_of(creator).post(page, fields).status_code == 302
    cut = Job.objects.get().inputs.get(name="audio_url").asset
    assert (cut.parent, cut.consent.by) == (speeches[1], creator)


# ── the click ──
def hidden(html: str, name: str) -> str:
    return parse(html).one(f"input[type=hidden][name={name}]")["value"]


def test_a_picture_that_passed_meanwhile_is_not_made_unread(
    client_of: ClientOf,
    creator: User,
    account: Account,
    page: str,
    pictures: list[Asset],
    speeches: list[Asset],
) -> None:
    """Its cell is ticked, but the button did not count it; nor does a second click make the first
    ones twice."""
    client = client_of(creator)
    fields = draft([pictures[0], pictures[2]], speeches[:1])
    html = client.get(page, fields).content.decode()
    form = fields | {
        "key": hidden(html, "key"),
        "confirmed_prices": hidden(html, "confirmed_prices"),
        "do": "make",
    }
    assert client.post(page, form).status_code == 302
    makers.check(pictures[2], account, answered_at=timezone.now())
    answer = client.post(page, form)
    assert answer.status_code == 422
    assert "The price is $0.0918 now, and the button said $0.0459." in text(answer.content.decode())
    assert Job.objects.count() == 1


def test_a_double_click_is_one_set_when_the_budget_has_room_for_one(
    client_of: ClientOf,
    creator: User,
    team: Team,
    page: str,
    pictures: list[Asset],
    speeches: list[Asset],
) -> None:
    Budget.objects.create(team=team, micros=50_000)
    client, fields = client_of(creator), draft(pictures[:1], speeches[:1], key="k", do="make")
    first, second = client.post(page, fields), client.post(page, fields)
    assert first["Location"] == second["Location"]
    assert Job.objects.count() == 1


def test_while_pictures_are_checked_the_form_keeps_its_key(
    client_of: ClientOf,
    creator: User,
    account: Account,
    page: str,
    pictures: list[Asset],
    speeches: list[Asset],
) -> None:
    """The page looks for verdicts every two seconds: a click before and one after it are the
    same."""
    makers.check(pictures[2], account, state="waiting")
    client = client_of(creator)
    html = client.get(page, draft([pictures[0], pictures[2]], speeches[:1])).content.decode()
    poll = parse(html).one("div#batch")
    assert (poll["hx-trigger"], poll["hx-include"]) == ("every 2s", "#batch-form")
    answer = client.post(page, draft([pictures[0]], speeches[:1], key="mine"), **HX)
    assert hidden(answer.content.decode(), "key") == "mine"
    assert not Job.objects.exists()


def test_twelve_times_twelve_take_few_statements(
    client_of: ClientOf,
    creator: User,
    team: Team,
    account: Account,
    page: str,
    django_assert_max_num_queries: Any,
) -> None:
    twelve = [makers.asset(team, name=f"p{number}.jpg") for number in range(12)]
    for picture in twelve:
        makers.check(picture, account, answered_at=timezone.now())
    sounds = [makers.asset(team, "audio", name=f"s{number}.mp3") for number in range(12)]
    client, fields = client_of(creator), draft(twelve, sounds)
    with django_assert_max_num_queries(60):
        html = client.get(page, fields).content.decode()
    assert len(cells(html)) == 12
    fields = draft(twelve[:8], sounds, key="k", do="make")
    assert client.post(page, fields).status_code == 302
    assert Job.objects.count() == 96


def test_the_largest_matrix_is_no_heavy_page(
    client_of: ClientOf, creator: User, team: Team, account: Account, page: str
) -> None:
    many = [makers.asset(team, name=f"Portrait of number {number}.jpg") for number in range(SIDE)]
    for picture in many:
        makers.check(picture, account, answered_at=timezone.now())
    sounds = [
        makers.asset(team, "audio", name=f"Welcome line {number}.mp3") for number in range(SIDE)
    ]
    answer = client_of(creator).get(page, draft(many, sounds))
    assert len(cells(answer.content.decode())) == SIDE
    assert len(answer.content) < 150_000


@pytest.mark.parametrize(
    "name",
    ["title", "off", "cell", "consent", "picture", "speech", "key", "confirmed_prices", "ratio"],
)
def test_letters_that_no_database_keeps_do_no_harm(
    client_of: ClientOf,
    creator: User,
    page: str,
    pictures: list[Asset],
    speeches: list[Asset],
    name: str,
) -> None:
    fields = draft(pictures[:1], speeches[:1]) | {name: "a\x00b"}
    assert client_of(creator).get(page, fields).status_code == 200
    assert client_of(creator).post(page, fields | {"do": "make"}).status_code in (302, 422)
    assert not any("\x00" in made.title for made in JobSet.objects.all())
