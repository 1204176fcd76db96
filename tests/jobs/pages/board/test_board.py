"""The board: few statements however many jobs, rows that are the same for everybody, and an address
that says what is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import Code, Rank, State
from jobs.engine import eta, speed
from jobs.models import Account, Job, Lane, PauseState, WorkTime
from jobs.pages import labels
from jobs.pages.board import board_counts, job_list
from studio.models import Team, User
from tests import makers
from tests.html import parse, text

ClientOf = Callable[[User], Client]


@pytest.fixture
def page(team: Team) -> str:
    return reverse("jobs:board", args=[team.slug])


def titles(html: str) -> list[str]:
    return parse(html).texts("li.job h3 > a")


def test_statements_do_not_grow_with_jobs(
    client_of: ClientOf,
    owner: User,
    creator: User,
    team: Team,
    account: Account,
    page: str,
    django_assert_max_num_queries: Any,
) -> None:
    for number in range(12):
        makers.job(
            team, creator, state=State.QUEUED, code=Code.WAITING_TURN, title=f"Waiting {number}"
        )
        makers.job(
            team,
            owner,
            state=State.SUCCEEDED,
            finished_at=timezone.now(),
            result=makers.asset(team, "video", thumb="x.webp"),
        )
    makers.job(
        team,
        owner,
        "animate-anyone-gen2",
        state=State.RUNNING,
        submitted_at=timezone.now(),
        template=makers.template(team, account),
    )
    makers.job(team, owner, state=State.FAILED, finished_at=timezone.now())
    client = client_of(owner)
    with django_assert_max_num_queries(
        11
    ):  # one of them reads what was learned, which a process does every few seconds
        html = client.get(page).content.decode()
    assert len(titles(html)) == 26


def test_row_knows_neither_viewer_nor_role_nor_time_of_looking(
    client_of: ClientOf, owner: User, viewer: User, team: Team, creator: User
) -> None:
    job = makers.job(
        team, creator, state=State.QUEUED, code=Code.ACCOUNT_PAUSED, sentence="The account rests."
    )
    url = reverse("jobs:row", args=[team.slug, job.public_id])
    one, other = client_of(owner).get(url).content, client_of(viewer).get(url).content
    assert one == other
    assert b"csrf" not in one
    assert b"ago" not in one


def test_row_in_the_page_is_the_row_alone(
    client_of: ClientOf, owner: User, team: Team, creator: User, page: str
) -> None:
    job = makers.job(
        team, creator, state=State.SUCCEEDED, finished_at=timezone.now(), title="Ready one"
    )
    alone = (
        client_of(owner).get(reverse("jobs:row", args=[team.slug, job.public_id])).content.decode()
    )
    assert " ".join(alone.split()) in " ".join(client_of(owner).get(page).content.decode().split())


def test_viewer_gets_no_form_to_cancel_with(
    client_of: ClientOf, owner: User, viewer: User, team: Team, creator: User, page: str
) -> None:
    makers.job(team, creator, code=Code.WAITING_TURN)
    assert 'id="act"' in client_of(owner).get(page).content.decode()
    html = client_of(viewer).get(page).content.decode()
    assert 'id="act"' not in html
    assert 'class="jobs reads"' in html


def test_cancel_from_the_board_comes_back_to_it_and_is_free(
    client_of: ClientOf, owner: User, viewer: User, team: Team, page: str
) -> None:
    job = makers.job(team, owner, code=Code.WAITING_TURN)
    url = reverse("jobs:cancel", args=[team.slug, job.public_id])
    assert client_of(viewer).post(url).status_code == 403
    answer = client_of(owner).post(url, {"next": page + "?tab=mine"}, follow=True)
    assert answer.redirect_chain == [(page + "?tab=mine", 302)]
    assert "It was not sent, so it cost nothing." in answer.content.decode()
    job.refresh_from_db()
    assert job.state == State.CANCELED
    assert (
        client_of(owner).post(url, {"next": "https://elsewhere.example/"})["Location"]
        == job.get_absolute_url()
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"tab": "mine"}, {"Mine"}),
        ({"tab": "needs"}, {"Unclear"}),
        ({"tab": "working"}, {"Mine", "Runs"}),
        ({"tab": "done"}, {"Ended", "Bad"}),
        ({"model": "emo-v1"}, {"Mine", "Runs", "Unclear", "Bad"}),
        ({"q": "END"}, {"Ended"}),
        ({"q": "task-77"}, {"Runs"}),
        (
            {"tab": "nonsense", "before": "x", "person": "x"},
            {"Mine", "Runs", "Unclear", "Ended", "Bad"},
        ),
    ],
)
def test_filters(
    client_of: ClientOf,
    owner: User,
    creator: User,
    team: Team,
    account: Account,
    page: str,
    query: dict[str, str],
    expected: set[str],
) -> None:
    makers.job(team, owner, code=Code.WAITING_TURN, title="Mine")
    makers.job(team, creator, state=State.RUNNING, task_id="task-77", title="Runs")
    makers.job(team, creator, state=State.UNCERTAIN, code=Code.NO_ANSWER, title="Unclear")
    makers.job(
        team,
        creator,
        "animate-anyone-template-gen2",
        state=State.SUCCEEDED,
        finished_at=timezone.now(),
        title="Ended",
    )
    makers.job(team, creator, state=State.FAILED, title="Bad")
    assert set(titles(client_of(owner).get(page, query).content.decode())) == expected


def test_filter_by_person(
    client_of: ClientOf, owner: User, creator: User, team: Team, page: str
) -> None:
    makers.job(team, owner, title="Of Aiko")
    makers.job(team, creator, title="Of Chidi")
    assert titles(client_of(owner).get(page, {"person": creator.pk}).content.decode()) == [
        "Of Chidi"
    ]


def test_tab_counts_are_exact_for_open_jobs_and_capped_for_ended_ones(
    client_of: ClientOf,
    owner: User,
    creator: User,
    team: Team,
    page: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(board_counts, "CAP", 3)
    for _number in range(5):
        makers.job(team, owner, state=State.FAILED)
    makers.job(team, creator, state=State.RUNNING)
    makers.job(team, owner, state=State.UNCERTAIN, code=Code.NO_ANSWER)
    html = client_of(creator).get(page).content.decode()
    tabs = [tab for tab in parse(html).all("a") if tab.has(".n")]
    numbers = {" ".join(tab.text.split()[:-1]): tab.one(".n").text for tab in tabs}
    assert numbers == {"All": "3+", "Mine": "1", "Needs you": "1", "Working": "1", "Done": "3+"}


def test_paging_goes_on_below_the_last_id(
    client_of: ClientOf, owner: User, team: Team, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_list, "PAGE", 2)
    for number in range(5):
        makers.job(team, owner, state=State.FAILED, title=f"Film {number}")
    makers.job(team, owner, title="Open")
    client, seen, url = client_of(owner), [], page
    for _page in range(3):
        html = client.get(url).content.decode()
        seen.append(titles(html))
        older = parse(html).values("a[rel=next]", "href")
        url = page + "".join(older)
    assert seen == [["Open", "Film 4", "Film 3"], ["Film 2", "Film 1"], ["Film 0"]]
    assert older == []


def test_other_teams_jobs_are_not_here(
    client_of: ClientOf, owner: User, stranger: User, page: str, team: Team
) -> None:
    foreign = makers.job(stranger.teams.get(), stranger, title="Secret")
    client = client_of(owner)
    assert "Secret" not in client.get(page).content.decode()
    assert client.get(reverse("jobs:row", args=[team.slug, foreign.public_id])).status_code == 404
    assert client.get(reverse("jobs:job", args=[team.slug, foreign.public_id])).status_code == 404
    assert client_of(stranger).get(page).status_code == 404


def test_places_in_one_pass_agree_with_the_engine(
    team: Team, owner: User, creator: User, account: Account
) -> None:
    runs = makers.job(
        team,
        owner,
        state=State.RUNNING,
        submitted_at=timezone.now(),
        provider_started_at=timezone.now(),
    )
    waiting = [makers.job(team, who, code=Code.WAITING_TURN) for who in (owner, creator, owner)]
    makers.job(team, owner, "animate-anyone-gen2", code=Code.WAITING_TURN)
    jobs = list(Job.objects.select_related("account", "lane", "lane__account"))
    places = eta.places(jobs)
    assert [(places[job.pk].position, places[job.pk].ahead) for job in waiting] == [
        (2, 1),
        (3, 2),
        (4, 3),
    ]
    for job in waiting:
        engine = eta.place(job)
        assert (engine.position, engine.ahead) == (places[job.pk].position, places[job.pk].ahead)
    assert (places[runs.pk].position, places[runs.pk].ahead) == (0, 0)
    # 4 s of film at the prior of 8.5 s and the change of tasks: each waits for those before it
    starts = [places[job.pk].starts_at for job in waiting]
    assert timedelta(seconds=35) < starts[1] - starts[0] < timedelta(seconds=37)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"state": State.QUEUED, "code": Code.WAITING_TURN}, "Next in line"),
        (
            {"state": State.QUEUED, "code": Code.NEEDS_TEMPLATE},
            "Waiting for its template, which is made first",
        ),
        (
            {"state": State.QUEUED, "code": Code.ACCOUNT_PAUSED, "sentence": "The key is refused."},
            "Held, the account rests The key is refused.",
        ),
        (
            {"state": State.UNCERTAIN, "code": Code.SEVERAL_TASKS},
            "so a person decides. Nothing is paid twice.",
        ),
        ({"state": State.RUNNING, "provider_status": "PENDING"}, "Waiting at the service"),
        (
            {"state": State.RUNNING, "provider_status": "SOMETHING-NEW"},
            "s · ≈ 34 s – 47 s · longer than expected; still looking",
        ),
        (
            {"state": State.RUNNING, "adopted": True, "milliseconds": 0},
            "s · its length is known when it has ended",
        ),
        (
            {
                "state": State.QUEUED,
                "code": Code.HELD_BACK,
                "sentence": "Ben paused North at 14:02",
            },
            "Held, paused by hand Ben paused North at 14:02",
        ),
        (
            {"state": State.QUEUED, "code": Code.MODEL_GONE, "sentence": "No longer offered."},
            "Held, the model is not offered No longer offered.",
        ),
        (
            {
                "state": State.UNCERTAIN,
                "code": Code.SEVERAL_TASKS,
                "submitting_at": timezone.now() - timedelta(hours=30),
            },
            "no longer reaches back",
        ),
        (
            {"state": State.FAILED, "sentence": "Two faces were found."},
            "Failed — Two faces were found. Nothing was produced, cost $0.00.",
        ),
        (
            {"state": State.FAILED, "sentence": "No film came.", "settled_micros": 45_876},
            "The service billed it: $0.0459.",
        ),
        ({"state": State.CANCELED}, "Canceled before it cost anything"),
    ],
)
def test_sentence_of_every_state(
    client_of: ClientOf, owner: User, team: Team, fields: dict[str, Any], expected: str
) -> None:
    job = makers.job(team, owner, submitted_at=timezone.now() - timedelta(seconds=120), **fields)
    html = (
        client_of(owner).get(reverse("jobs:row", args=[team.slug, job.public_id])).content.decode()
    )
    assert expected in text(html)


def learned(job: Job, median: float = 8.5, p90: float = 11) -> None:
    WorkTime.objects.create(
        service=speed.service_of(job.account),
        model=job.model,
        variant=job.variant,
        recent=[median],
        median=median,
        p90=p90,
    )
    speed.forget()


def row_of(client: Client, job: Job) -> str:
    return text(client.get(reverse("jobs:row", args=[job.team.slug, job.public_id])))


def test_usual_is_said_only_of_what_was_learned(
    client_of: ClientOf, owner: User, team: Team
) -> None:
    job = makers.job(
        team, owner, state=State.RUNNING, provider_status="RUNNING", submitted_at=timezone.now()
    )
    client = client_of(owner)
    assert "s · ≈ 34 s – 47 s" in row_of(client, job)
    learned(job)
    assert "of usually 34 s – 44 s" in row_of(client, job)
    assert "ready " in row_of(client, job)


def test_times_that_hardly_differ_are_one(client_of: ClientOf, owner: User, team: Team) -> None:
    job = makers.job(
        team, owner, state=State.RUNNING, provider_status="RUNNING", submitted_at=timezone.now()
    )
    learned(job, p90=8.6)
    said = row_of(client_of(owner), job)
    assert "of usually 34 s" in said
    assert "–" not in said


def test_slower_than_nine_of_ten_is_said_calmly_and_without_a_time(
    client_of: ClientOf, owner: User, team: Team
) -> None:
    now = timezone.now()
    job = makers.job(
        team,
        owner,
        state=State.RUNNING,
        provider_status="RUNNING",
        submitted_at=now - timedelta(seconds=50),
        looked_at=now - timedelta(seconds=8),
    )
    learned(job)
    said = row_of(client_of(owner), job)
    assert re.search(
        r"5\d s of usually 34 s – 44 s · slower than nine of ten; still looking, last answer [89] "
        r"s ago",
        said,
    )
    assert "ready" not in said


def test_a_waiting_row_tells_place_start_and_ready_with_a_range(
    client_of: ClientOf, owner: User, team: Team
) -> None:
    makers.job(
        team,
        owner,
        state=State.RUNNING,
        provider_status="RUNNING",
        submitted_at=timezone.now(),
        milliseconds=60_000,
    )
    job = makers.job(team, owner, code=Code.WAITING_TURN, milliseconds=60_000)
    assert re.search(
        rf"2nd in line · starts ≈ {makers.CLOCK} · ready {makers.CLOCK} – {makers.CLOCK}",
        row_of(client_of(owner), job),
    )


def test_behind_a_closed_door_there_is_a_reason_and_no_time(
    client_of: ClientOf, owner: User, admin: User, team: Team
) -> None:
    job = makers.job(team, owner, code=Code.WAITING_TURN)
    client, now = client_of(owner), timezone.now()
    Lane.objects.update(pause_state=PauseState.PAUSED, pause_set_by=admin, pause_set_at=now)
    said = row_of(client, job)
    assert "Next in line · Ben paused emo-v1 on " in said
    assert "starts" not in said
    assert "ready" not in said
    Lane.objects.update(pause_state=PauseState.OPEN)
    Account.objects.update(
        paused_until=now + timedelta(minutes=9), health_text="The service refuses the API key."
    )
    said = row_of(client, job)
    assert "The service refuses the API key. Tried again at " in said
    assert "ready" not in said


def test_a_task_that_waits_at_the_service_has_no_gauge(
    client_of: ClientOf, owner: User, team: Team
) -> None:
    now = timezone.now()
    makers.job(
        team,
        owner,
        state=State.RUNNING,
        provider_status="RUNNING",
        submitted_at=now - timedelta(seconds=5),
    )
    job = makers.job(team, owner, state=State.RUNNING, provider_status="PENDING", submitted_at=now)
    html = (
        client_of(owner).get(reverse("jobs:row", args=[team.slug, job.public_id])).content.decode()
    )
    assert "data-gauge" not in html
    assert "Waiting at the service · starts ≈ " in text(html)
    assert 'aria-label="1 before it"' in html


def test_waiting_rows_stand_in_the_order_of_turns(
    client_of: ClientOf, owner: User, creator: User, team: Team, page: str
) -> None:
    for name in ("Heap 1", "Heap 2", "Heap 3"):
        makers.job(team, owner, code=Code.WAITING_TURN, title=name, rank=Rank.NORMAL)
    makers.job(team, creator, code=Code.WAITING_TURN, title="Small wish", rank=Rank.NORMAL)
    makers.job(team, owner, code=Code.WAITING_TURN, title="Urgent", rank=Rank.FRONT)
    order = titles(client_of(owner).get(page).content.decode())
    assert order[0] == "Urgent"
    assert order.index("Small wish") < order.index("Heap 2")
    assert order[-1] == "Heap 3"


def test_places_count_jobs_of_another_team_on_the_same_alibaba_account(
    client_of: ClientOf,
    owner: User,
    stranger: User,
    team: Team,
    account: Account,
    page: str,
    django_assert_max_num_queries: Any,
) -> None:
    twin = makers.account(stranger.teams.get())
    Account.objects.filter(pk=twin.pk).update(same_as=account)
    mine = makers.job(team, owner, code=Code.WAITING_TURN, title="Mine")
    theirs = makers.job(
        twin.team,
        stranger,
        account=twin,
        state=State.RUNNING,
        provider_status="RUNNING",
        submitted_at=timezone.now(),
        title="Secret",
    )
    Job.objects.filter(pk=theirs.pk).update(lane=mine.lane)
    client = client_of(owner)
    with django_assert_max_num_queries(13):
        html = client.get(page).content.decode()
    assert "2nd in line" in text(html)
    assert "Busy with a film of another team on the same Alibaba account" in text(html)
    assert "Secret" not in html


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
    assert "Draining Ben is draining emo-v1 on " in card
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
        assert "1 film is not home yet." in said
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
