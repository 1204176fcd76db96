"""Consent and the click of a batch."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from jobs.models import Account, Budget, Job, JobSet
from jobs.pages.create.batch_draft import SIDE
from studio.models import Asset, Consent, Team, User
from tests import makers
from tests.html import parse, text
from tests.jobs.pages.create.batch.drafts import HX, ClientOf, cells, draft, hidden


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


def test_a_video_that_is_taken_out_and_in_again_keeps_the_word_that_was_ticked(
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
