"""The stand-in breaks as it is told: one fault at a time, or by the dice of a storm. Tasks and bill
stay exact."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from jobs.simulator import Simulator
from jobs.simulator.database import BillLine, Task, now_ms
from jobs.simulator.faults import RandomFaults

BODY = {
    "model": "emo-v1",
    "input": {
        "image_url": "https://files.example.com/a.jpg",
        "audio_url": "https://files.example.com/a.wav",
        "face_bbox": [292, 304, 672, 684],
        "ext_bbox": [7, 0, 957, 950],
    },
    "parameters": {},
}
VIDEO = bytes(range(256)) * 400
HEADERS = {"Authorization": "Bearer sk-a"}


@pytest.fixture(scope="module")
def service() -> Iterator[Simulator]:
    with Simulator(rate_speed=1000, work_per_second=1e7) as simulator:
        yield simulator


@pytest.fixture
def sim(service: Simulator) -> Iterator[Simulator]:
    service.disarm()
    yield service
    service.disarm()


@pytest.fixture
def finished(sim: Simulator) -> str:
    """The id of a task that has ended well, billed, with a video of VIDEO."""
    number = len(sim.tasks)
    task = Task(
        f"task-{number}",
        f"request-{number}",
        "sk-a",
        "sk-a",
        "emo-v1",
        BODY,
        "PENDING",
        now_ms(),
        now_ms(),
        None,
        "",
        "",
        "",
        {},
        "",
    )
    sim.database.create(task)
    name = f"{number:032x}.mp4"
    (sim.runner.results / name).write_bytes(VIDEO)
    line = BillLine("sk-a", task.task_id, "emo-v1", Decimal("1.5"), "1:1", 17_204)
    assert sim.database.succeed(task, name, {"video_duration": 1.5, "video_ratio": "1:1"}, line)
    return task.task_id


def submit(sim: Simulator) -> requests.Response:
    address = sim.url + "/services/aigc/image2video/video-synthesis"
    return requests.post(
        address, json=BODY, headers={**HEADERS, "X-DashScope-Async": "enable"}, timeout=9
    )


def listing(sim: Simulator) -> requests.Response:
    return requests.get(sim.url + "/tasks/", headers=HEADERS, timeout=9)


def address_of(sim: Simulator, task_id: str) -> str:
    return str(
        requests.get(f"{sim.url}/tasks/{task_id}", headers=HEADERS, timeout=9).json()["output"][
            "results"
        ]["video_url"]
    )


def order(sim: Simulator, what: str, **words: Any) -> requests.Response:
    return requests.post(
        sim.url.removesuffix("/api/v1") + f"/simulator/{what}", json=words, timeout=9
    )


ORDER = re.compile(r"""(?:\.simulator\(|(?<!pending)_order\(|/simulator/(?=\w+", \{))\s*"?(\w+)""")
TESTS = Path(__file__).resolve().parents[2]


def given_orders() -> set[str]:
    """The orders that browser, chaos and bench tests give to a simulator of another process."""
    texts = [path.read_text() for path in TESTS.glob("*/*.py")]
    return {name for text in texts for name in ORDER.findall(text)} - {"self"}


def test_every_order_that_a_test_gives_is_known(sim: Simulator) -> None:
    given = given_orders()
    assert len(given) > 1
    assert [name for name in given if order(sim, name).status_code not in (200, 400)] == []


def test_too_many_requests_can_say_when_to_come_back(sim: Simulator) -> None:
    sim.arm("429", where="list")
    sim.arm("429", where="list", seconds=3)
    answers = [listing(sim) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert [answer.headers.get("Retry-After") for answer in answers] == [None, "3", None]


def test_a_burst_lasts_its_calls_and_makes_no_tasks(sim: Simulator) -> None:
    before = len(sim.tasks)
    sim.arm("429-burst:3", where="submit", seconds=1)
    answers = [submit(sim) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 429, 200]
    assert len(sim.tasks) == before + 1


def test_a_gateway_answers_503_with_a_page(sim: Simulator) -> None:
    before = len(sim.tasks)
    sim.arm("503", where="submit")
    answer = submit(sim)
    assert (answer.status_code, answer.headers["Content-Type"], len(sim.tasks)) == (
        503,
        "text/html",
        before,
    )


def test_a_reset_in_the_answer_comes_after_the_task_was_made(sim: Simulator) -> None:
    before = len(sim.tasks)
    sim.arm("reset", where="submit")
    with pytest.raises(requests.RequestException):
        submit(sim)
    assert len(sim.tasks) == before + 1
    assert submit(sim).status_code == 200


def test_a_reset_in_a_video_leaves_a_part(sim: Simulator, finished: str) -> None:
    url = address_of(sim, finished)
    sim.arm("reset", where="result")
    with pytest.raises(requests.RequestException):
        requests.get(url, timeout=9)
    rest = requests.get(url, headers={"Range": f"bytes={len(VIDEO) // 2}-"}, timeout=9)
    assert (rest.status_code, rest.content) == (206, VIDEO[len(VIDEO) // 2 :])


def test_a_video_can_be_missing_for_once(sim: Simulator, finished: str) -> None:
    url = address_of(sim, finished)
    sim.arm("result-404")
    assert [requests.get(url, timeout=9).status_code for _ in range(2)] == [404, 200]


@pytest.mark.parametrize(("mode", "status"), [("page", 200), ("missing", 403), ("redirect", 302)])
def test_a_wrong_address_is_right_the_next_time(
    sim: Simulator, finished: str, mode: str, status: int
) -> None:
    sim.arm(f"wrong-result-url:{mode}")
    wrong, right = address_of(sim, finished), address_of(sim, finished)
    answer = requests.get(wrong, timeout=9, allow_redirects=False)
    assert answer.status_code == status
    followed = requests.get(wrong, timeout=9)
    assert followed.content != VIDEO
    assert requests.get(right, timeout=9).content == VIDEO


def test_a_wrong_address_may_point_inside(sim: Simulator, finished: str) -> None:
    sim.arm("wrong-result-url:private")
    assert address_of(sim, finished) == "http://127.0.0.1:9/video.mp4"


def test_a_bad_result_stays_bad_for_its_task(sim: Simulator, finished: str) -> None:
    sim.arm("bad-result:page")
    wrong = {address_of(sim, finished) for _ in range(3)}
    assert len(wrong) == 1
    assert requests.get(wrong.pop(), timeout=9).headers["Content-Type"] == "text/html"


def test_a_wrong_address_waits_for_a_task_that_has_one(sim: Simulator, finished: str) -> None:
    sim.arm("wrong-result-url")
    waiting = submit(sim).json()["output"]["task_id"]
    output = requests.get(f"{sim.url}/tasks/{waiting}", headers=HEADERS, timeout=9).json()["output"]
    assert "results" not in output
    assert "elsewhere" in address_of(sim, finished)


def test_a_storm_over_http_strikes_as_often_as_asked_and_the_same_way_each_time(
    sim: Simulator,
) -> None:
    def statuses() -> list[int]:
        assert (
            order(
                sim, "random_faults", seed=7, rate=0.4, faults=["500@list", "429@list", "503@list"]
            ).status_code
            == 200
        )
        return [listing(sim).status_code for _ in range(40)]

    first = statuses()
    assert statuses() == first
    assert set(first) == {200, 429, 500, 503}
    assert 8 <= sum(status != 200 for status in first) <= 24
    assert order(sim, "disarm").status_code == 200
    assert [listing(sim).status_code for _ in range(20)] == [200] * 20


def test_a_storm_keeps_tasks_and_answers_apart(sim: Simulator) -> None:
    before = len(sim.tasks)
    faults = [
        {"fault": "cut-before", "rate": 0.2},
        {"fault": "429-burst:2", "rate": 0.1, "seconds": 1},
        "cut-after",
        "500",
        "garbled",
    ]
    order(sim, "random_faults", seed=3, rate=0.3, faults=faults)
    made = 0
    for _ in range(60):
        known = len(sim.tasks)
        try:
            answer = submit(sim)
        except requests.RequestException:
            made += len(sim.tasks) - known
            continue
        if answer.status_code in (429, 500):
            assert len(sim.tasks) == known
        else:
            made += 1
    assert len(sim.tasks) - before == made
    struck = requests.get(sim.url.removesuffix("/api/v1") + "/simulator/faults", timeout=9).json()[
        "faults"
    ]
    for name in (
        "cut-before@submit",
        "cut-after@submit",
        "500@submit",
        "garbled@submit",
        "429-burst@submit",
    ):
        assert struck.get(name), (name, struck)


def test_shares_of_a_storm_add_up() -> None:
    faults: list[str | dict[str, Any]] = [
        {"fault": "500", "where": "get", "rate": 0.1},
        {"fault": "slow", "where": "get", "seconds": 0.1},
        "html@get",
    ]
    storm = RandomFaults.of(1, 0.4, faults)
    drawn = [
        fault.name if fault else ""
        for fault in (storm.draw("get", number) for number in range(4000))
    ]
    assert drawn.count("500") == pytest.approx(400, rel=0.2)
    assert drawn.count("slow") == pytest.approx(800, rel=0.2)
    assert drawn.count("html") == pytest.approx(800, rel=0.2)
    assert storm.draw("list", 0) is None


@pytest.mark.parametrize(
    ("what", "words", "said"),
    [
        ("random_faults", {"seed": 1, "rate": 0.5, "faults": ["explode"]}, "no fault"),
        ("random_faults", {"seed": 1, "rate": 1.5, "faults": ["500"]}, "share from 0 to 1"),
        ("random_faults", {"seed": 1, "faults": ["500"]}, "rate"),
        ("arm", {"fault": "500", "where": "nowhere"}, "no endpoint"),
        ("arm", {"fault": "wrong-result-url:moon"}, "no wrong address"),
        ("arm", {"fault": "truncated-result", "where": "get"}, "happens at result"),
        ("arm", {"fault": "429-burst:none"}, "number of calls"),
    ],
)
def test_nonsense_is_refused(sim: Simulator, what: str, words: dict[str, Any], said: str) -> None:
    answer = order(sim, what, **words)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
