"""Every chosen picture with every chosen speech, and what each would be."""

from __future__ import annotations

import re

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from jobs.models import Account, Budget, Check, Job, JobSet, LedgerEntry
from jobs.pages.create.batch_draft import SIDE
from studio.models import Asset, Team, User
from tests import files, makers
from tests.html import parse, text
from tests.jobs.pages.create.batch.drafts import HX, ClientOf, cells, draft, hidden


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
    assert "Make 2 videos $0.7340" in shown


def test_a_cell_that_is_not_ticked_is_left_out_and_a_reload_remembers(
    client_of: ClientOf, creator: User, page: str, pictures: list[Asset], speeches: list[Asset]
) -> None:
    client = client_of(creator)
    names = [f"{pictures[0].public_id}.{speech.public_id}" for speech in speeches]
    fields = draft(pictures[:1], speeches, seen=names, cell=names[:1])
    answer = client.get(page, fields, **HX)
    assert "Make 1 video $0.0459" in text(answer.content.decode())
    html = client.get(answer["HX-Replace-Url"]).content.decode()
    assert "Make 1 video $0.0459" in text(html)
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
    assert "4 videos of “Front desk” are in line" in html
    assert "Batch · 4 videos: 4 under way" in html


def test_what_the_budget_has_no_room_for_is_off_and_cannot_be_sent_by_hand(
    client_of: ClientOf,
    creator: User,
    team: Team,
    page: str,
    pictures: list[Asset],
    speeches: list[Asset],
) -> None:
    Budget.objects.create(team=team, micros=10_000)
    fields = draft(pictures[:1], speeches)
    html = client_of(creator).get(page, fields).content.decode()
    assert parse(html).has("#generate[disabled]")
    assert "has $0.01 of $0.01 left" in text(html)
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
