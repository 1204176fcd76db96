"""Tasks, uploads and faults of the simulator."""

from __future__ import annotations

import functools
import time
from typing import Any

import pytest
import requests

from jobs.simulator import Simulator
from jobs.simulator.answers import (
    OSS_WRONG,
)
from tests.jobs.simulator.service.caller import (
    DETECT,
    SAMPLES,
    SYNTHESIS,
    emo,
    get,
    post,
    said,
    submit,
    until,
)


def test_unknown_and_foreign_tasks_look_the_same(sim: Simulator, host: str) -> None:
    mine = submit(sim, host, key="sk-mine")
    for task_id, key in ((mine, "sk-other"), ("0" * 36, "sk-mine")):
        assert get(sim, f"/tasks/{task_id}", key=key)["output"] == {
            "task_id": task_id,
            "task_status": "UNKNOWN",
        }
    assert get(sim, f"/tasks/{mine}", key="sk-mine")["output"]["task_status"] in (
        "PENDING",
        "RUNNING",
    )


def test_one_runs_and_the_rest_wait_whatever_the_key(sim: Simulator, host: str) -> None:
    first, second, third = (
        submit(sim, host, key="sk-one"),
        submit(sim, host, key="sk-two"),
        submit(sim, host, key="sk-one"),
    )
    until(lambda: get(sim, f"/tasks/{first}", key="sk-two")["output"]["task_status"] == "RUNNING")
    time.sleep(0.1)
    assert [
        get(sim, f"/tasks/{t}", key="sk-one")["output"]["task_status"] for t in (second, third)
    ] == ["PENDING"] * 2

    listed = get(sim, "/tasks/?page_size=2&model_name=emo-v1", key="sk-one")
    assert (listed["total"], listed["total_page"], len(listed["data"])) == (3, 2, 2)
    assert [line["task_id"] for line in listed["data"]] == [third, second]  # the newest first
    assert "end_time" not in listed["data"][0]
    assert abs(listed["data"][0]["gmt_create"] - time.time() * 1000) < 10_000
    assert (
        listed["data"][0]["user_api_unique_key"]
        == "apikey:v1:aigc:image2video:video-synthesis:emo-v1"
    )
    assert get(sim, "/tasks/?page_size=2&page_no=2", key="sk-two")["data"][0]["task_id"] == first
    assert get(sim, "/tasks?status=RUNNING", key="sk-two")["total"] == 1

    cancel = functools.partial(requests.post, headers={"Authorization": "Bearer sk-one"}, timeout=9)
    assert cancel(f"{sim.url}/tasks/{second}/cancel").status_code == 200
    assert get(sim, f"/tasks/{second}", key="sk-one")["output"]["task_status"] == "CANCELED"
    for task_id in (first, second, "nothing"):
        assert said(cancel(f"{sim.url}/tasks/{task_id}/cancel"))[:2] == (
            400,
            "UnsupportedOperation",
        )


def test_window_of_the_list(sim: Simulator, host: str) -> None:
    submit(sim, host, key="sk-window")
    assert (
        get(sim, "/tasks/?start_time=20200101000000&end_time=20200101235959", key="sk-window")[
            "total"
        ]
        == 0
    )
    china = time.gmtime(time.time() + 8 * 3600 - 60)
    assert (
        get(sim, f"/tasks/?start_time={time.strftime('%Y%m%d%H%M%S', china)}", key="sk-window")[
            "total"
        ]
        == 1
    )
    for query in (
        "start_time=20200101000000&end_time=20200103000000",
        "start_time=yesterday",
        "page_no=0",
        "status=DONE",
    ):
        assert get(sim, f"/tasks/?{query}", key="sk-window")["code"] == "InvalidParameter"


def test_rates_are_per_account(host: str) -> None:
    with Simulator(speed=0.01, keys={"sk-one": "acme", "sk-two": "acme"}) as sim:
        codes = [
            post(sim, SYNTHESIS, emo(host), key=key).status_code for key in ("sk-one", "sk-two") * 3
        ]
        assert codes == [200] * 5 + [429]
        assert len(sim.tasks) == 5
        answers = [get(sim, "/tasks/", key="sk-one") for _ in range(21)]
        assert all("data" in answer for answer in answers[:20])
        assert answers[20]["code"] == "Throttling.RateQuota"
        assert "total" in get(sim, "/tasks/", key="sk-else")


def upload(
    sim: Simulator, data: dict[str, Any], content: bytes, name: str = "a.jpg", **changes: Any
) -> requests.Response:
    fields = {
        "OSSAccessKeyId": data["oss_access_key_id"],
        "Signature": data["signature"],
        "policy": data["policy"],
        "x-oss-object-acl": data["x_oss_object_acl"],
        "x-oss-forbid-overwrite": data["x_oss_forbid_overwrite"],
        "key": f"{data['upload_dir']}/{name}",
        "success_action_status": "200",
    } | changes
    parts = [(k, (None, v)) for k, v in fields.items()] + [("file", (name, content, "image/jpeg"))]
    return requests.post(data["upload_host"], files=parts, timeout=9)


def test_upload_serves_its_model_and_account_only(sim: Simulator) -> None:
    data = get(sim, "/uploads?action=getPolicy&model=emo-detect-v1", key="sk-up")["data"]
    content = (SAMPLES / "portrait.jpg").read_bytes()
    answer = upload(sim, data, content)
    assert (answer.status_code, answer.content) == (200, b"")
    again = upload(sim, data, content)
    assert again.status_code == 409
    assert "<Code>FileAlreadyExists</Code>" in again.text
    url = f"oss://{data['upload_dir']}/a.jpg"
    body = {"model": "emo-detect-v1", "input": {"image_url": url}, "parameters": {"ratio": "1:1"}}
    resolve = {"X-DashScope-OssResourceResolve": "enable"}
    assert said(post(sim, DETECT, body, key="sk-up"))[1] == "InvalidParameter.DataInspection"
    assert (
        post(sim, DETECT, body, key="sk-up", headers=resolve).json()["output"]["check_pass"] is True
    )
    assert said(post(sim, DETECT, body, key="sk-down", headers=resolve)) == (
        400,
        "invalid_parameter_error",
        OSS_WRONG,
    )
    other = body | {"model": "wan2.2-s2v-detect"}
    assert said(post(sim, DETECT, other, key="sk-up", headers=resolve)) == (
        400,
        "invalid_parameter_error",
        OSS_WRONG,
    )


def test_every_field_of_an_upload_counts(sim: Simulator) -> None:
    data = get(sim, "/uploads?action=getPolicy&model=emo-v1", key="sk-up")["data"]
    assert data["expire_in_seconds"] == 300
    for change, status in (
        ({"OSSAccessKeyId": "x"}, 403),
        ({"Signature": "x"}, 403),
        ({"policy": "x"}, 403),
        ({"key": "elsewhere/a.jpg"}, 403),
        ({"x-oss-object-acl": "public-read"}, 400),
        ({"x-oss-forbid-overwrite": "false"}, 400),
        ({"success_action_status": "201"}, 400),
    ):
        answer = upload(sim, data, b"x", **change)
        assert (answer.status_code, answer.headers["Content-Type"]) == (
            status,
            "application/xml",
        ), change
    parts = [
        ("file", ("a.jpg", b"x", "image/jpeg")),
        ("key", (None, f"{data['upload_dir']}/a.jpg")),
    ]
    assert (
        requests.post(data["upload_host"], files=parts, timeout=9).status_code == 400
    )  # the file must come last


def test_cut_after_creates_the_task_and_cut_before_does_not(sim: Simulator, host: str) -> None:
    for fault, created in (("cut-before", 0), ("cut-after", 1)):
        before = len(sim.tasks)
        sim.arm(fault, where="submit", model="emo-v1")
        with pytest.raises(requests.ConnectionError):
            submit(sim, host, key="sk-cut")
        assert len(sim.tasks) - before == created
        assert sim.calls[-1].status == 0
    assert submit(sim, host, key="sk-cut")


def test_answers_can_break(sim: Simulator, host: str) -> None:
    sim.arm("500", where="list")
    sim.arm("429", where="list")
    sim.arm("html", where="list")
    sim.arm("garbled", where="list")
    listing = functools.partial(
        requests.get, sim.url + "/tasks/", headers={"Authorization": "Bearer sk-a"}, timeout=9
    )
    assert [listing().status_code for _ in range(3)] == [500, 429, 502]
    with pytest.raises(requests.JSONDecodeError):
        listing().json()
    assert "data" in listing().json()
    task = submit(sim, host, key="sk-word")
    sim.arm("unknown-status:SUSPENDED", where="get")
    assert get(sim, f"/tasks/{task}", key="sk-word")["output"]["task_status"] == "SUSPENDED"
    with pytest.raises(ValueError, match="no fault"):
        sim.arm("explode")


def test_taken_port_is_said_and_a_left_one_is_free_at_once() -> None:
    with Simulator() as first, pytest.raises(OSError, match="in use"):
        Simulator(port=first.port)
    with Simulator(port=first.port) as second:
        assert get(second, "/tasks/")["total"] == 0
