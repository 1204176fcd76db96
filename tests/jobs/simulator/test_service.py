"""The stand-in's counter: who may call, with what, how often, and what it answers."""

from __future__ import annotations

import functools
import http.server
import io
import threading
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from jobs.catalogue.entries import MODELS
from jobs.simulator import Simulator
from jobs.simulator.answers import (
    NEEDS_ASYNC,
    NEEDS_SYNC,
    NO_KEY,
    OSS_UNREAD,
    OSS_WRONG,
    WRONG_PATH,
)

SAMPLES = Path(__file__).parents[3] / "jobs" / "samples"
FACE, FRAME = [292, 304, 672, 684], [7, 0, 957, 950]
SYNTHESIS = "/services/aigc/image2video/video-synthesis"
DETECT = "/services/aigc/image2video/face-detect"
AA_DETECT = "/services/aigc/image2video/aa-detect"
TEMPLATE = "/services/aigc/image2video/aa-template-generation"


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and a few hosts that behave badly."""

    def do_GET(self) -> None:
        if self.path == "/nolength.png":
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write((SAMPLES / "character.png").read_bytes())
        elif self.path == "/wrongtype":
            body = (SAMPLES / "portrait.jpg").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a folder with the samples and a few bad files."""
    folder = tmp_path_factory.mktemp("files")
    for file in SAMPLES.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "short.wav").write_bytes(tone(0.5))
    (folder / "long.wav").write_bytes(tone(61.0, rate=4000))
    (folder / "text.png").write_text("no picture")
    Image.new("RGB", (300, 300), "red").save(folder / "small.png")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Files, directory=str(folder))
    )
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    ).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """A fast service whose tasks would take hours: what is first in a lane stays RUNNING."""
    with Simulator(
        speed=200, work_per_second=1e7, keys={"sk-one": "acme", "sk-two": "acme"}
    ) as simulator:
        yield simulator


def tone(seconds: float, rate: int = 8000) -> bytes:
    """A WAV of bursts."""
    at = np.arange(int(seconds * rate)) / rate
    samples = (np.sin(at * 1400) * (np.sin(at * 20) > 0) * 20_000).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())
    return file.getvalue()


def post(
    sim: Simulator,
    path: str,
    body: dict[str, Any] | None,
    *,
    key: str = "sk-a",
    headers: dict[str, str] | None = None,
) -> requests.Response:
    """A POST with the async header wherever the path needs it, unless `headers` says otherwise."""
    sent = {"Authorization": f"Bearer {key}"}
    if "detect" not in path:
        sent["X-DashScope-Async"] = "enable"
    sent |= headers or {}
    return requests.post(
        sim.url + path, json=body, headers={k: v for k, v in sent.items() if v}, timeout=30
    )


def get(sim: Simulator, path: str, *, key: str = "sk-a") -> Any:
    answer = requests.get(sim.url + path, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    return answer.json()


def emo(host: str, **changes: Any) -> dict[str, Any]:
    """A good body for emo-v1; a change of None leaves the field out."""
    given = {
        "image_url": host + "portrait.jpg",
        "audio_url": host + "short.wav",
        "face_bbox": FACE,
        "ext_bbox": FRAME,
    } | changes
    return {
        "model": "emo-v1",
        "input": {k: v for k, v in given.items() if v is not None},
        "parameters": {},
    }


def said(answer: requests.Response) -> tuple[int, str, str]:
    content = answer.json()
    assert content["request_id"]
    return answer.status_code, content["code"], content["message"]


def submit(sim: Simulator, host: str, *, key: str) -> str:
    answer = post(sim, SYNTHESIS, emo(host), key=key)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["output"]["task_id"])


# ── who may call ──


def test_key_is_asked_for(sim: Simulator, host: str) -> None:
    assert said(post(sim, SYNTHESIS, emo(host), headers={"Authorization": ""})) == (
        401,
        "InvalidApiKey",
        NO_KEY,
    )
    for key in ("nonsense", "sk-refused-1", "sk-sp-plan"):
        assert said(post(sim, SYNTHESIS, emo(host), key=key))[:2] == (401, "InvalidApiKey")
    assert said(requests.get(sim.url + "/tasks/", timeout=9)) == (401, "InvalidApiKey", NO_KEY)


def test_money_keys_are_refused_only_where_money_is_spent(sim: Simulator, host: str) -> None:
    assert said(post(sim, SYNTHESIS, emo(host), key="sk-arrears"))[:2] == (400, "Arrearage")
    assert said(post(sim, SYNTHESIS, emo(host), key="sk-quota"))[:2] == (
        403,
        "AllocationQuota.FreeTierOnly",
    )
    assert get(sim, "/tasks/", key="sk-arrears")["total"] == 0


def test_async_header_is_required_or_forbidden(sim: Simulator, host: str) -> None:
    assert said(post(sim, SYNTHESIS, emo(host), headers={"X-DashScope-Async": ""})) == (
        403,
        "AccessDenied",
        NEEDS_ASYNC,
    )
    body = {
        "model": "emo-detect-v1",
        "input": {"image_url": host + "portrait.jpg"},
        "parameters": {"ratio": "1:1"},
    }
    assert said(post(sim, DETECT, body, headers={"X-DashScope-Async": "enable"})) == (
        403,
        "AccessDenied",
        NEEDS_SYNC,
    )


def test_path_and_model_must_match(sim: Simulator, host: str) -> None:
    assert said(post(sim, TEMPLATE, emo(host))) == (400, "InvalidParameter", WRONG_PATH)
    assert said(post(sim, SYNTHESIS, emo(host) | {"model": "emo-v9"}))[:2] == (404, "ModelNotFound")
    assert said(post(sim, SYNTHESIS, emo(host) | {"model": ""}))[1] == "BadRequest.EmptyModel"


def test_body_must_be_json(sim: Simulator) -> None:
    headers = {"Authorization": "Bearer sk-a", "X-DashScope-Async": "enable"}
    for content_type, text in (
        ("text/plain", "{}"),
        ("application/json", "{"),
        ("application/json", "[]"),
    ):
        answer = requests.post(
            sim.url + SYNTHESIS,
            data=text,
            headers=headers | {"Content-Type": content_type},
            timeout=9,
        )
        assert answer.status_code == 400
        assert answer.json()["code"] in ("InvalidParameter", "BadRequest.IllegalInput")


def test_every_model_of_the_catalogue_is_served(sim: Simulator) -> None:
    for model in MODELS.values():
        answer = post(sim, model.path, {"model": model.name, "input": {"x": 1}, "parameters": {}})
        assert answer.status_code == 400, model.name
        assert answer.json()["code"] == "InvalidParameter", (model.name, answer.text)


# ── what a body must have ──


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"image_url": None}, "InvalidParameter", "Field required: input.image_url"),
        (
            {"audio_url": ""},
            "InvalidURL",
            "Required URL is missing or invalid, please check the request URL.",
        ),
        ({"image_url": "ftp://x/y.png"}, "InvalidURL", "Invalid URL provided in your request."),
        ({"image_url": "http://x/é.png"}, "InvalidURL", "Invalid URL provided in your request."),
        ({"face_bbox": None}, "InvalidParameter", "Invalid bbox input"),
        ({"face_bbox": [1, 2, 3]}, "InvalidParameter", "Invalid bbox input"),
        ({"face_bbox": [1.5, 2, 300, 400]}, "InvalidParameter", "Invalid bbox input"),
        ({"face_bbox": [True, 2, 300, 400]}, "InvalidParameter", "Invalid bbox input"),
        ({"ext_bbox": [900, 0, 7, 950]}, "InvalidParameter", "Invalid bbox input"),
        ({"ext_bbox": [0, 0, 900, 500]}, "InvalidParameter", "Invalid ext_bbox."),
        (
            {"image_url": "oss://dashscope-instant/a/b.png"},
            "InvalidParameter.DataInspection",
            OSS_UNREAD,
        ),
    ],
)
def test_inputs_of_emo(
    sim: Simulator, host: str, changes: dict[str, Any], code: str, message: str
) -> None:
    before = len(sim.tasks)
    assert said(post(sim, SYNTHESIS, emo(host, **changes))) == (400, code, message)
    assert len(sim.tasks) == before


def test_parameters(sim: Simulator, host: str) -> None:
    bad_style = emo(host) | {"parameters": {"style_level": "wild"}}
    assert said(post(sim, SYNTHESIS, bad_style)) == (
        400,
        "InvalidParameter",
        "The style_level is invalid.",
    )
    dance = {
        "model": "animate-anyone-gen2",
        "input": {"image_url": host + "character.png", "template_id": "AACT.x"},
    }
    assert said(post(sim, SYNTHESIS, dance)) == (
        400,
        "InvalidFile.Template.Content",
        "Invalid template content.",
    )
    wrong = dance | {"parameters": {"use_ref_img_bg": True, "video_ratio": "1:1"}}
    assert said(post(sim, SYNTHESIS, wrong))[2] == "parameters.video_ratio must be 9:16 or 3:4."
    ignored = dance | {"parameters": {"use_ref_img_bg": False, "video_ratio": "1:1"}}
    assert said(post(sim, SYNTHESIS, ignored))[1] == "InvalidFile.Template.Content"
    assert (
        said(post(sim, SYNTHESIS, dance | {"parameters": {"use_ref_img_bg": "yes"}}))[1]
        == "InvalidParameter"
    )
    move = {
        "model": "wan2.2-animate-move",
        "input": {"image_url": host + "a.png", "video_url": host + "dance.mp4"},
        "parameters": {"check_image": True},
    }
    assert said(post(sim, SYNTHESIS, move))[2] == "Field required: parameters.mode"


# ── the checks ──


def check(
    sim: Simulator, url: str, model: str = "emo-detect-v1", key: str = "sk-check", **parameters: Any
) -> requests.Response:
    body = {
        "model": model,
        "input": {"image_url": url},
        "parameters": {"ratio": "1:1"} | parameters,
    }
    return post(sim, MODELS[model].path, body, key=key)


def test_portrait_passes_in_both_shapes(sim: Simulator, host: str) -> None:
    for ratio, aspect in (("1:1", 1), ("3:4", 0.75)):
        content = check(sim, host + "portrait.jpg", ratio=ratio).json()
        output = content["output"]
        assert output["check_pass"] is True
        assert content["usage"] == {"image_count": 1}
        left, top, right, bottom = output["ext_bbox"]
        assert (right - left) / (bottom - top) == pytest.approx(aspect, abs=0.002)
        face = output["face_bbox"]
        assert left <= face[0]
        assert top <= face[1]
        assert face[2] <= right <= 960
        assert face[3] <= bottom <= 1200
        assert abs((face[0] + face[2]) / 2 - 480) < 40  # the drawn head is in the middle


def test_characters_are_full_and_half(sim: Simulator, host: str) -> None:
    for name, style in (("character.png", "full"), ("character-half.png", "half")):
        assert check(sim, host + name, "animate-anyone-detect-gen2").json()["output"] == {
            "check_pass": True,
            "bodystyle": style,
        }


def test_nobody_is_refused_and_billed(sim: Simulator, host: str) -> None:
    before = sim.total_micros("sk-nobody")
    content = check(sim, host + "nobody.jpg", key="sk-nobody").json()
    assert content["output"]["check_pass"] is False
    assert content["output"]["code"] == "InvalidFile.NoHuman"
    dance = check(sim, host + "nobody.jpg", "animate-anyone-detect-gen2", key="sk-nobody").json()[
        "output"
    ]
    assert dance["bodystyle"] == ""
    assert dance["reason"] == content["output"]["message"]
    assert sim.total_micros("sk-nobody") - before == 2 * 574


def test_refusal_by_status_is_not_billed(host: str) -> None:
    with Simulator(refusal="alternate") as sim:
        first, second = check(sim, host + "nobody.jpg"), check(sim, host + "nobody.jpg")
        assert first.status_code == 200
        assert said(second)[:2] == (400, "InvalidFile.NoHuman")
        assert len(sim.bill()) == 1


def test_small_picture_is_a_verdict_and_a_broken_one_a_fault(sim: Simulator, host: str) -> None:
    assert check(sim, host + "small.png").json()["output"]["code"] == "InvalidFile.Resolution"
    assert said(check(sim, host + "text.png"))[:2] == (400, "InvalidURL")
    assert said(check(sim, host + "portrait.jpg", ratio="9:16"))[:2] == (400, "InvalidParameter")


def test_host_must_say_length_and_type(sim: Simulator, host: str) -> None:
    for name in ("nolength.png", "wrongtype", "missing.png"):
        assert said(check(sim, host + name))[:2] == (400, "InvalidParameter.DataInspection"), name
    assert said(check(sim, "http://127.0.0.1:1/a.png"))[:2] == (400, "InvalidURL.ConnectionRefused")


# ── tasks ──


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


# ── uploads ──


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


# ── faults ──


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


def until(true: Any, seconds: float = 20.0) -> None:
    """Wait until `true()`; fails after `seconds`."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it never came to pass"
        time.sleep(0.02)


def test_taken_port_is_said_and_a_left_one_is_free_at_once() -> None:
    with Simulator() as first, pytest.raises(OSError, match="in use"):
        Simulator(port=first.port)
    with Simulator(port=first.port) as second:
        assert get(second, "/tasks/")["total"] == 0
