"""What somebody with a share link sees, and everything that must not be seen without it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job, ShareLink
from jobs.orders import trash, trash_sweep
from jobs.sharing import links
from studio.models import Team, User
from tests.conftest import signed_in
from tests.html import parse
from tests.jobs.pages.shares.conftest import Made, finished

PASSWORD = "eight letters"


def page_of(link: ShareLink) -> str:
    return reverse("shared", args=[links.token_of(link)])


def files_of(link: ShareLink, place: int = 1) -> dict[str, str]:
    token = links.token_of(link)
    whats = ("video", "download", "picture")
    return {what: reverse("shared_file", args=[token, place, what]) for what in whats}


def with_picture(job: Job) -> None:
    video = job.result
    assert video is not None
    video.thumb = default_storage.save("t.webp", default_storage.open(str(video.file.name)))
    video.save(update_fields=["thumb"])


def test_a_visitor_watches_without_an_account(share: Made, client: Client) -> None:
    link = share()
    answer = client.get(page_of(link))
    assert answer.status_code == 200
    page = parse(answer.content.decode())
    assert "Welcome" in page.one("h1").text
    assert page.one("video")["src"] == files_of(link)["video"]
    assert not page.all("a[download]")
    assert "noindex" in answer["X-Robots-Tag"]
    assert "no-store" in answer["Cache-Control"]


def test_a_part_of_the_file_is_sent(share: Made, client: Client, film: Job) -> None:
    whole = files_of(share())["video"]
    answer = client.get(whole, headers={"Range": "bytes=0-99"})
    assert answer.status_code == 206
    assert len(b"".join(answer.streaming_content)) == 100  # type: ignore[attr-defined]
    assert "noindex" in answer["X-Robots-Tag"]
    assert answer["Cache-Control"] == "private, no-cache"


def test_chats_are_told_of_the_picture(share: Made, client: Client, film: Job) -> None:
    with_picture(film)
    link = share()
    page = parse(client.get(page_of(link)).content.decode())
    told = {one["property"]: one["content"] for one in page.all("meta[property]")}
    assert told["og:title"] == "Welcome"
    assert told["og:image"] == settings.PUBLIC_URL + files_of(link)["picture"]
    assert client.get(told["og:image"].removeprefix(settings.PUBLIC_URL)).status_code == 200


def test_a_download_is_there_only_when_it_is_allowed(share: Made, client: Client) -> None:
    assert client.get(files_of(share())["download"]).status_code == 404
    link = share(download=True)
    answer = client.get(files_of(link)["download"])
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'attachment; filename="Welcome.mp4"'
    page = parse(client.get(page_of(link)).content.decode())
    assert page.one("a[download]")["href"] == files_of(link)["download"]


# ── what is over ──────────────────────────────────────────────────────────────────────────────────


def over(link: ShareLink, how: str, team: Team, owner: User) -> None:
    if how == "revoked":
        assert links.revoke(link, owner)
    elif how == "expired":
        ShareLink.objects.filter(pk=link.pk).update(expires_at=timezone.now())
    elif how == "forbidden":
        Team.objects.filter(pk=team.pk).update(sharing_allowed=False)
    else:
        Job.objects.filter(share_links=link).update(result=None)


@pytest.mark.parametrize("how", ["revoked", "expired", "forbidden", "deleted"])
def test_a_link_that_is_over_shows_nothing_of_it(
    share: Made, client: Client, team: Team, owner: User, film: Job, how: str
) -> None:
    with_picture(film)
    link = share(download=True)
    over(link, how, team, owner)
    answer = client.get(page_of(link))
    assert answer.status_code == 410
    assert b"Welcome" not in answer.content
    for what, address in files_of(link).items():
        for headers in ({}, {"Range": "bytes=0-9"}):
            assert client.get(address, headers=headers).status_code == 404, what
            assert client.head(address, headers=headers).status_code == 404, what


def test_an_open_page_loads_itself_again_when_its_link_is_taken_back(
    share: Made, client: Client, owner: User
) -> None:
    link = share()
    assert client.get(page_of(link), {"still": "1"}).status_code == 204
    links.revoke(link, owner)
    assert client.get(page_of(link), {"still": "1"})["HX-Refresh"] == "true"


def test_an_address_that_was_made_up_is_unknown(share: Made, client: Client) -> None:
    link = share()
    token = links.token_of(link)
    end = "A" if token[-1] != "A" else "B"
    for wrong in (link.public_id, f"{link.public_id}.", token[:-1] + end, token + "x", "x\x00"):
        assert client.get(reverse("shared", args=[wrong])).status_code == 404
        assert client.get(reverse("shared_file", args=[wrong, 1, "video"])).status_code == 404


def test_only_what_was_chosen_is_shown(
    share: Made, client: Client, team: Team, owner: User
) -> None:
    """Another number, and a place that does not exist."""
    finished(team, owner, title="Secret")
    link = share()
    for place in (0, 2, 10**30):
        address = f"{page_of(link)}{place}/video"
        assert client.get(address).status_code == 404


# ── the password ──────────────────────────────────────────────────────────────────────────────────


def test_everything_asks_for_the_password(share: Made, client: Client, film: Job) -> None:
    with_picture(film)
    link = share(password=PASSWORD, download=True)
    answer = client.get(page_of(link))
    assert b"Welcome" not in answer.content  # the title neither
    assert b"og:" not in answer.content
    for what, address in files_of(link).items():
        assert client.get(address).status_code == 404, what
        assert client.get(address, headers={"Range": "bytes=0-9"}).status_code == 404, what
    assert client.post(page_of(link), {"password": "not this one"}).status_code == 422
    assert client.get(files_of(link)["video"]).status_code == 404
    assert client.post(page_of(link), {"password": PASSWORD}).status_code == 302
    assert b"Welcome" in client.get(page_of(link)).content
    for what, address in files_of(link).items():
        assert client.get(address).status_code == 200, what
        assert Client().get(address).status_code == 404, what


def test_another_password_ends_what_the_old_one_opened(
    share: Made, client: Client, owner: User
) -> None:
    link = share(password=PASSWORD)
    client.post(page_of(link), {"password": PASSWORD})
    assert client.get(files_of(link)["video"]).status_code == 200
    link.refresh_from_db()
    terms = links.Terms(link.title, link.expires_at, False, "another one")
    links.change(link, owner, terms, new_password=True)
    assert client.get(files_of(link)["video"]).status_code == 404
    assert client.get(page_of(link), {"still": "1"})["HX-Refresh"] == "true"


def test_the_password_of_one_link_opens_no_other(share: Made, client: Client) -> None:
    one, other = share(password=PASSWORD), share(password=PASSWORD)
    client.post(page_of(one), {"password": PASSWORD})
    cookie = client.cookies[f"share_in_{one.public_id}"]
    assert cookie["path"] == page_of(one)
    assert cookie["httponly"]
    stolen = Client()
    stolen.cookies[f"share_in_{other.public_id}"] = cookie.value
    assert stolen.get(files_of(other)["video"]).status_code == 404


def test_passwords_cannot_be_guessed_at_speed(share: Made, client: Client) -> None:
    link = share(password=PASSWORD)
    for number in range(10):
        assert client.post(page_of(link), {"password": f"guess {number}"}).status_code == 422
    answer = client.post(page_of(link), {"password": PASSWORD})
    assert answer.status_code == 429
    # Somebody else, elsewhere, is not kept out.
    there = client.post(page_of(link), {"password": PASSWORD}, REMOTE_ADDR="203.0.113.9")
    assert there.status_code == 302


def test_a_room_full_of_people_who_know_it_gets_in(share: Made) -> None:
    """From one network: the right password uses up nobody's tries."""
    link = share(password=PASSWORD)
    for _ in range(15):
        assert Client().post(page_of(link), {"password": PASSWORD}).status_code == 302


def test_the_stored_password_is_a_hash(share: Made) -> None:
    assert PASSWORD not in share(password=PASSWORD).password


# ── views ─────────────────────────────────────────────────────────────────────────────────────────


def views(link: ShareLink) -> int:
    link.refresh_from_db()
    return link.views


def test_a_browser_counts_once(share: Made, client: Client) -> None:
    link = share()
    for _ in range(3):
        client.get(page_of(link))
    assert views(link) == 1
    Client().get(page_of(link))
    assert views(link) == 2
    assert link.viewed_at is not None


def test_neither_the_team_nor_a_chat_counts(share: Made, creator: User, stranger: User) -> None:
    link = share()
    signed_in(Client(), creator).get(page_of(link))
    Client().get(page_of(link), headers={"User-Agent": "Slackbot-LinkExpanding 1.0"})
    Client().head(page_of(link))
    assert views(link) == 0
    signed_in(Client(), stranger).get(page_of(link))
    assert views(link) == 1


def test_nobody_counts_who_did_not_give_the_password(share: Made, client: Client) -> None:
    link = share(password=PASSWORD)
    client.get(page_of(link))
    assert views(link) == 0


def test_an_end_a_year_away_is_the_longest(share: Made) -> None:
    assert share(days=5000).expires_at <= timezone.now() + timedelta(days=366)


def test_what_lies_in_the_trash_is_shown_to_no_visitor(
    share: Made, client: Client, film: Job, team: Team, creator: User
) -> None:
    link = share()
    with_picture(film)
    assert client.get(files_of(link)["video"]).status_code == 200
    done = trash.delete_jobs(team, [film], creator, others=False)
    for what, address in files_of(link).items():
        assert client.get(address).status_code == 404, what
    assert "<video" not in client.get(page_of(link)).content.decode()
    assert not links.sharable(team.jobs.all()).exists()
    trash.restore(done.deletions, creator, others=False)
    assert client.get(files_of(link)["video"]).status_code == 200
    done = trash.delete_jobs(team, [film], creator, others=False)
    trash.erase_now(done.deletions, creator, others=False)
    trash_sweep.work()
    link.refresh_from_db()
    assert "Welcome" not in link.title
    assert client.get(page_of(link)).status_code in (200, 410)
