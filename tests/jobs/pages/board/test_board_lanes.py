"""Lanes on the board, and jobs that are moved to the front of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import Code, Rank, State
from jobs.models import Account, Job, Lane, PauseState
from jobs.pages import labels
from studio.models import Team, User
from tests import makers
from tests.html import parse, text

ClientOf = Callable[[User], Client]


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:board", args=[team.slug])


def titles(html: str) -> list[str]:
    return parse(html).texts("li.job h3 > a")


def row_of(client: Client, job: Job) -> str:
    return text(client.get(reverse("jobs:row", args=[job.team.slug, job.public_id])))


# ── to the front ──


def test_to_the_front_is_for_admins_and_goes_back(
    client_of: ClientOf, owner: User, admin: User, creator: User, team: Team, page: str
) -> None:
    first = makers.job(team, owner, code=Code.WAITING_TURN)
    job = makers.job(team, creator, code=Code.WAITING_TURN, rank=Rank.NORMAL, milliseconds=9000)
    url = reverse("jobs:front", args=[team.slug, job.public_id])
    assert client_of(creator).post(url).status_code == 403
    assert client_of(admin).get(url).status_code == 405
    desk = client_of(admin)
    assert 'class="jobs manages"' in desk.get(page).content.decode()
    assert 'class="jobs"' in client_of(creator).get(page).content.decode()
    answer = desk.post(url, {"next": page}, follow=True)
    assert answer.redirect_chain == [(page, 302)]
    html = answer.content.decode()
    assert "It goes next, before everybody" in html
    assert titles(html).index(job.title) < titles(html).index(first.title)
    assert "moved to the front" in row_of(client_of(creator), job)
    assert "Ben moved it to the front" in job.events.values_list("text", flat=True)
    desk.post(url)
    job.refresh_from_db()
    assert job.rank == Rank.NORMAL
    Job.objects.filter(pk=job.pk).update(state=State.RUNNING)
    assert "It is no longer waiting" in desk.post(url, follow=True).content.decode()


# ── lanes ──


def cards(html: str) -> list[str]:
    return parse(html).texts("article.lane")


def test_idle_lanes_are_shown_only_when_their_door_is_closed_or_troubled(
    client_of: ClientOf, owner: User, admin: User, team: Team, account: Account, page: str
) -> None:
    lane = Lane.objects.create(account=account, model="emo-v1")
    Lane.objects.create(account=account, model="animate-anyone-gen2")
    client, now = client_of(owner), timezone.now()
    assert cards(client.get(page).content.decode()) == []
    Lane.objects.filter(pk=lane.pk).update(
        pause_state=PauseState.DRAINING, pause_set_by=admin, pause_set_at=now
    )
    (card,) = cards(client.get(page).content.decode())
    assert "Finishes its queue Ben lets emo-v1 on " in card
    assert "nothing new is taken" in card
    Lane.objects.filter(pk=lane.pk).update(
        pause_state=PauseState.OPEN,
        health="quota",
        paused_until=now + timedelta(minutes=7),
        paused_text="Used up.",
    )
    (card,) = cards(client.get(page).content.decode())
    assert re.search(rf"Rests until {makers.CLOCK} Used up\.", card)
    Lane.objects.filter(pk=lane.pk).update(paused_until=None)
    assert (
        "Trouble Used up. Tried again with the next job."
        in cards(client.get(page).content.decode())[0]
    )
    Lane.objects.filter(pk=lane.pk).update(health="ok", paused_text="")
    # one card for a whole account, however many idle lanes it has
    Account.objects.update(pause_state=PauseState.PAUSED, pause_set_by=admin, pause_set_at=now)
    (card,) = cards(client.get(page).content.decode())
    assert card.startswith(f"{account.label} every model Paused Ben paused {account.label}")


def test_a_paused_lane_goes_on_with_what_is_out(
    client_of: ClientOf, owner: User, admin: User, team: Team, page: str
) -> None:
    makers.job(
        team,
        owner,
        state=State.RUNNING,
        provider_status="RUNNING",
        submitted_at=timezone.now(),
        title="On now",
    )
    makers.job(team, owner, code=Code.WAITING_TURN)
    Lane.objects.update(
        pause_state=PauseState.PAUSED, pause_set_by=admin, pause_set_at=timezone.now()
    )
    (card,) = cards(client_of(owner).get(page).content.decode())
    assert "Rendering On now" in card
    assert "Paused. Ben paused emo-v1" in card
    assert "line ends" not in card


def test_films_that_should_long_be_home_are_told_in_red(
    client_of: ClientOf, viewer: User, owner: User, team: Team, page: str
) -> None:
    job = makers.job(
        team,
        owner,
        state=State.ARCHIVING,
        title="Late film",
        result_expires_at=timezone.now() + timedelta(hours=9),
    )
    client = client_of(viewer)
    assert 'role="alert"' not in client.get(page).content.decode()
    Job.objects.filter(pk=job.pk).update(alarmed=12, sentence="The disk is full.")
    for url in (page, job.get_absolute_url()):
        said = text(client.get(url).content.decode())
        assert "1 video is not saved yet." in said
        assert re.search(r"Late film · over 12 h · deleted there at .* · The disk is full\.", said)


def test_lane_card_shows_what_renders_and_how_many_wait(
    client_of: ClientOf, owner: User, team: Team, account: Account, page: str
) -> None:
    makers.job(team, owner, state=State.UNCERTAIN, code=Code.NO_ANSWER, title="Unclear")
    makers.job(
        team,
        owner,
        state=State.RUNNING,
        provider_status="RUNNING",
        submitted_at=timezone.now(),
        title="On now",
    )
    for _number in range(3):
        makers.job(team, owner, code=Code.WAITING_TURN)
    card = parse(client_of(owner).get(page)).first("article.lane")
    assert "On now" in card.text
    assert "2 at the service, 3 waiting here" in ", ".join(card.values("*", "aria-label"))
    Account.objects.update(
        paused_until=timezone.now() + timedelta(minutes=5),
        health_text="The service refuses the API key.",
    )
    assert "The service refuses the API key." in client_of(owner).get(page).content.decode()


def test_empty_board_offers_the_next_step_to_each(
    client_of: ClientOf, owner: User, creator: User, viewer: User, team: Team, page: str
) -> None:
    keys, portrait = (
        reverse("jobs:keys", args=[team.slug]),
        reverse("jobs:portrait", args=[team.slug]),
    )

    def offered(user: User) -> str:
        return parse(client_of(user).get(page)).one(".empty").html

    assert keys in offered(owner)
    assert portrait in offered(creator)
    assert keys not in offered(creator)
    assert portrait not in offered(viewer)


def test_titles_are_text(client_of: ClientOf, owner: User, team: Team, page: str) -> None:
    makers.job(team, owner, title='<script>alert("x")</script>')
    assert "<script>alert" not in client_of(owner).get(page).content.decode()


def test_ordinals() -> None:
    assert [labels.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 112)] == [
        "Next in line",
        "2nd in line",
        "3rd in line",
        "4th in line",
        "11th in line",
        "12th in line",
        "13th in line",
        "21st in line",
        "112th in line",
    ]
