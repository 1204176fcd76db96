"""The board: few statements however many jobs, rows that are the same for everybody, and an address
that says what is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.common.states import Code, State
from jobs.engine import eta
from jobs.models import Account, Job
from jobs.pages.board import ended_jobs
from studio.common import capped_count
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
        13
    ):  # one reads what was learned, which a process does every few seconds; one the rows of ended
        # jobs that were not drawn before
        html = client.get(page).content.decode()
    assert len(titles(html)) == 26


def test_row_knows_neither_viewer_nor_role_nor_time_of_looking(
    client_of: ClientOf, owner: User, viewer: User, team: Team, creator: User
) -> None:
    job = makers.job(
        team,
        creator,
        state=State.QUEUED,
        code=Code.ACCOUNT_PAUSED,
        sentence="The connection rests.",
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
    whole = parse(client_of(owner).get(page).content.decode())
    assert parse(alone).texts("li.job h3 > a") == whole.texts("li.job h3 > a")
    assert parse(alone).texts("li.job .state") == whole.texts("li.job .state")


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


@pytest.mark.parametrize("state", [State.QUEUED, State.SUCCEEDED])
def test_a_search_finds_all_of_its_words_in_any_order(
    client_of: ClientOf, owner: User, team: Team, page: str, state: State
) -> None:
    for title in ("Welcome to the foyer", "Welcome to the desk"):
        makers.job(team, owner, state=state, finished_at=timezone.now(), title=title)
    client = client_of(owner)

    def found(q: str) -> list[str]:
        return titles(client.get(page, {"q": q}).content.decode())

    assert found("foyer WELCOME") == ["Welcome to the foyer"]
    assert found("foyer desk") == []


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
    monkeypatch.setattr(capped_count, "CAP", 3)
    for _number in range(5):
        makers.job(team, owner, state=State.FAILED)
    makers.job(team, creator, state=State.RUNNING)
    makers.job(team, owner, state=State.UNCERTAIN, code=Code.NO_ANSWER)
    html = client_of(creator).get(page).content.decode()
    tabs = [tab for tab in parse(html).all("a") if tab.has(".n")]
    numbers = {" ".join(tab.text.split()[:-1]): tab.one(".n").text for tab in tabs}
    assert numbers == {
        "All": "3+",
        "Mine": "1",
        "Needs attention": "1",
        "Working": "1",
        "Done": "3+",
    }


def test_paging_goes_on_below_the_last_id(
    client_of: ClientOf, owner: User, team: Team, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_jobs, "PAGE", 2)
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
            "Waits, the connection rests The key is refused.",
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
            "Paused by a person Ben paused North at 14:02",
        ),
        (
            {"state": State.QUEUED, "code": Code.MODEL_GONE, "sentence": "No longer offered."},
            "Waits, the model is not offered No longer offered.",
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
