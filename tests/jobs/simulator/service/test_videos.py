"""The stand-in's back room: videos that play and are billed by their length, tasks that fail, and a
service that is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
import requests

from jobs.simulator import Simulator, face_detection
from jobs.simulator.task_runner import Clock
from tests.jobs.simulator.service.caller import (
    SYNTHESIS,
    TEMPLATE,
    emo,
    get,
    post,
    said,
    submit,
    until,
)


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(speed=1000) as simulator:
        yield simulator


def ended(sim: Any, task_id: str, key: str = "sk-a") -> Any:
    """What GET says when the task is over."""
    found: dict[str, Any] = {}

    def over() -> bool:
        found.update(get(sim, f"/tasks/{task_id}", key=key))
        return found["output"]["task_status"] in ("SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN")

    until(over, 60)
    return found


def run(sim: Any, path: str, body: dict[str, Any]) -> Any:
    answer = post(sim, path, body)
    assert answer.status_code == 200, answer.text
    return ended(sim, answer.json()["output"]["task_id"])


def streams(path: Path, content: bytes) -> tuple[dict[str, Any], float]:
    """({kind: stream}, seconds) of a video."""
    path.write_bytes(content)
    with av.open(str(path)) as container:
        frames = sum(1 for _ in container.decode(video=0))
        video = container.streams.video[0]
        facts = {
            "size": (video.width, video.height),
            "fps": float(video.average_rate or 0),
            "codec": video.codec_context.name,
            "frames": frames,
        }
        facts |= {"sound": bool(container.streams.audio), "pixels": video.codec_context.pix_fmt}
        return facts, (container.duration or 0) / 1_000_000


def test_talking_video_plays_and_is_billed_by_its_length(
    sim: Simulator, host: str, tmp_path: Path
) -> None:
    task = run(sim, SYNTHESIS, emo(host))
    url = task["output"]["results"]["video_url"]
    answer = requests.get(url, timeout=9)
    assert answer.headers["Content-Type"] == "video/mp4"
    facts, seconds = streams(tmp_path / "video.mp4", answer.content)
    assert facts == {
        "size": (512, 512),
        "fps": 15.0,
        "codec": "h264",
        "frames": 8,
        "sound": True,
        "pixels": "yuv420p",
    }
    assert abs(seconds - 0.5) <= 1 / 15
    assert task["usage"] == {"video_duration": round(seconds, 2), "video_ratio": "1:1"}
    line = sim.bill()[-1]
    assert (line.subject, line.units, line.variant) == (
        task["output"]["task_id"],
        Decimal(str(round(seconds, 2))),
        "1:1",
    )
    assert line.price == round(line.units * 11_469)
    assert set(task["output"]) == {
        "task_id",
        "task_status",
        "submit_time",
        "scheduled_time",
        "end_time",
        "results",
    }

    part = requests.get(url, headers={"Range": "bytes=4-7"}, timeout=9)
    assert (part.status_code, part.content) == (206, answer.content[4:8])
    assert answer.content.index(b"moov") < answer.content.index(b"mdat")  # plays before it is whole
    for wrong in (url[:-3] + "abc", url.split("?")[0], url.replace("Expires=1", "Expires=2")):
        denied = requests.get(wrong, timeout=9)
        assert (denied.status_code, denied.headers["Content-Type"]) == (403, "application/xml")


def test_results_can_arrive_cut(sim: Simulator, host: str) -> None:
    url = run(sim, SYNTHESIS, emo(host))["output"]["results"]["video_url"]
    whole = requests.get(url, timeout=9).content
    sim.arm("truncated-result", length="wrong")
    short = requests.get(url, timeout=9)
    assert len(short.content) == int(short.headers["Content-Length"]) < len(whole)
    sim.arm("truncated-result", length="right")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        assert len(requests.get(url, timeout=9).content) < len(
            whole
        )  # an older client would hand back the half
    assert requests.get(url, timeout=9).content == whole


def test_mouth_moves_with_the_sound(sim: Simulator, host: str, tmp_path: Path) -> None:
    url = run(sim, SYNTHESIS, emo(host))["output"]["results"]["video_url"]
    path = tmp_path / "video.mp4"
    path.write_bytes(requests.get(url, timeout=9).content)
    with av.open(str(path)) as container:
        mouths = [
            frame.to_ndarray(format="gray")[300:370, 190:320].astype(float)
            for frame in container.decode(video=0)
        ]
    assert max(np.abs(one - mouths[0]).mean() for one in mouths) > 3


def test_template_then_dance(sim: Simulator, host: str, tmp_path: Path) -> None:
    made = run(
        sim,
        TEMPLATE,
        {"model": "animate-anyone-template-gen2", "input": {"video_url": host + "dance.mp4"}},
    )
    assert made["usage"] == {"video_duration": 3.0, "video_ratio": "standard"}
    template = made["output"]["template_id"]
    body = {
        "model": "animate-anyone-gen2",
        "input": {"image_url": host + "character.png", "template_id": template},
    }
    assert said(post(sim, SYNTHESIS, body, key="sk-other"))[1] == "InvalidFile.Template.Content"
    task = run(
        sim, SYNTHESIS, body | {"parameters": {"use_ref_img_bg": True, "video_ratio": "3:4"}}
    )
    assert set(task["output"]) == {"task_id", "task_status", "video_url"}
    facts, seconds = streams(
        tmp_path / "dance.mp4", requests.get(task["output"]["video_url"], timeout=9).content
    )
    assert (facts["size"], facts["fps"], facts["sound"], facts["frames"]) == (
        (720, 960),
        15.0,
        False,
        45,
    )
    assert task["usage"] == {"video_duration": seconds, "video_ratio": "standard"}


def test_successor_is_served_from_the_catalogue(sim: Simulator, host: str, tmp_path: Path) -> None:
    body = {
        "model": "wan2.2-s2v",
        "input": {"image_url": host + "portrait.jpg", "audio_url": host + "short.wav"},
        "parameters": {"resolution": "480P"},
    }
    task = run(sim, SYNTHESIS, body)
    facts, seconds = streams(
        tmp_path / "video.mp4",
        requests.get(task["output"]["results"]["video_url"], timeout=9).content,
    )
    width, height = facts["size"]
    assert width * height == pytest.approx(310_000, rel=0.02)
    assert width / height == pytest.approx(960 / 1200, rel=0.02)
    assert task["usage"] == {"duration": round(seconds, 2), "video_count": 1, "SR": 480}
    assert sim.bill()[-1].variant == "480P"


def test_what_is_wrong_with_the_media_ends_the_task(sim: Simulator, host: str) -> None:
    billed = len(sim.bill())
    for changes, code, words in (
        ({"audio_url": host + "long.wav"}, "InvalidURL", "The input audio is longer than 60s."),
        (
            {"audio_url": host + "portrait.jpg"},
            "InvalidParameter.DataInspection",
            "Unable to download",
        ),
        ({"audio_url": host + "gone.wav"}, "InvalidParameter.DataInspection", "Unable to download"),
        ({"image_url": host + "small.png"}, "InvalidFile.Resolution", "smaller than 7000"),
        ({"ext_bbox": [0, 0, 1100, 1100]}, "InvalidParameter", "Invalid ext_bbox."),
    ):
        task = run(sim, SYNTHESIS, emo(host, **changes))
        assert (task["output"]["task_status"], task["output"]["code"]) == ("FAILED", code), changes
        assert words in task["output"]["message"]
        assert "usage" not in task
    nobody = {
        "model": "wan2.2-s2v",
        "input": {"image_url": host + "nobody.jpg", "audio_url": host + "short.wav"},
    }
    assert run(sim, SYNTHESIS, nobody)["output"]["code"] == "InvalidFile.NoHuman"
    assert len(sim.bill()) == billed


def test_task_fails_with_the_ordered_code(sim: Simulator, host: str) -> None:
    sim.arm("task-fails:InternalError.Algo")
    task = run(sim, SYNTHESIS, emo(host))
    assert (task["output"]["code"], task["output"]["message"]) == (
        "InternalError.Algo",
        "inference internal error.",
    )
    assert run(sim, SYNTHESIS, emo(host))["output"]["task_status"] == "SUCCEEDED"


def test_lives_end(host: str) -> None:
    with Simulator(speed=1000) as sim:
        task_id = submit(sim, host, key="sk-a")
        url = ended(sim, task_id)["output"]["results"]["video_url"]
        assert 23.9 < (int(url.split("Expires=")[1].split("&")[0]) - time.time()) / 3600 <= 24.1
        yesterday = replace(sim.tasks[0], end_ms=int(time.time() * 1000) - 24 * 3_600_000 - 5_000)
        old = requests.get(sim.storage.address(yesterday, url.split("/")[2]), timeout=9)
        assert (old.status_code, "Request has expired" in old.text) == (403, True)
        sim.clock.life = 1e9  # the day is over
        assert get(sim, f"/tasks/{task_id}")["output"] == {
            "task_id": task_id,
            "task_status": "UNKNOWN",
        }
        assert get(sim, "/tasks/")["total"] == 0
    with Simulator(
        speed=1000, work_per_second=1e7, life_speed=3 * 3600
    ) as sim:  # three hours last 1 s
        late = ended(sim, submit(sim, host, key="sk-a"))["output"]
        assert (late["task_status"], late["code"]) == ("FAILED", "InternalError.Timeout")


def test_work_takes_its_time() -> None:
    assert Clock(speed=1).work_ms(13.93) == pytest.approx(118_405)
    assert Clock(speed=60).work_ms(13.93) == pytest.approx(118_405 / 60)


# ── killed and started again ──


def served(folder: Path, port: int, work: float) -> subprocess.Popen[str]:
    code = (
        "import sys,time\nfrom pathlib import Path\nfrom jobs.simulator import Simulator\n"
        "s=Simulator(port=int(sys.argv[1]),speed=1000,work_per_second=float(sys.argv[2]),data_dir=Path(sys.argv[3]));s.start();print(s.url,flush=True)\ntime.sleep(300)"
    )
    root = Path(__file__).parents[4]
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(port), str(work), str(folder)],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://")
    return process


def test_killed_service_goes_on_where_it_was(host: str, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sim = SimpleNamespace(url=f"http://127.0.0.1:{port}/api/v1")
    process = served(tmp_path, port, work=1e7)
    try:
        first, second = submit(sim, host, key="sk-a"), submit(sim, host, key="sk-a")  # type: ignore[arg-type]
        until(lambda: get(sim, f"/tasks/{first}")["output"]["task_status"] == "RUNNING")
        process.send_signal(signal.SIGKILL)
        process.wait()
        process = served(tmp_path, port, work=1)
        for task_id in (first, second):
            task = ended(sim, task_id)
            assert task["output"]["task_status"] == "SUCCEEDED", task
            assert (
                requests.get(task["output"]["results"]["video_url"], timeout=9).status_code == 200
            )
        bill = requests.get(f"http://127.0.0.1:{port}/simulator/bill", timeout=9).json()["bill"]
        assert sorted(line[1] for line in bill) == sorted([first, second])
    finally:
        process.kill()
        process.wait()


# ── the eyes ──


def test_eyes_see_nobody_where_nobody_is() -> None:
    chance = np.random.default_rng(7)
    grain = chance.integers(0, 256, (480, 480, 3), dtype=np.uint8)
    plain = np.full((480, 480, 3), 120, np.uint8)
    stripes = np.ascontiguousarray(
        np.broadcast_to(
            ((np.arange(480) // 20 % 2) * 255).astype(np.uint8)[:, None, None], (480, 480, 3)
        )
    )
    for picture in (grain, plain, stripes):
        people = face_detection.detect_people(picture, bodies=True)
        assert people.faces == ()
        assert people.bodies == ()


def test_eyes_count_people() -> None:
    one = face_detection.read_picture(
        Path(__file__).parents[4] / "jobs" / "samples" / "portrait.jpg"
    )
    two = face_detection.detect_people(np.ascontiguousarray(np.concatenate([one, one], axis=1)))
    assert len(two.faces) == 2
    assert two.several
    assert not face_detection.detect_people(one).several
    turned = face_detection.detect_people(np.ascontiguousarray(np.rot90(one)))
    assert turned.face is None
    assert turned.faces[0].tilted


def test_two_services_keep_apart(host: str, sim: Simulator) -> None:
    task_id = submit(sim, host, key="sk-apart")
    with Simulator(speed=1000) as other:
        assert get(other, f"/tasks/{task_id}", key="sk-apart")["output"]["task_status"] == "UNKNOWN"
    began = time.monotonic()
    assert ended(sim, task_id, "sk-apart")["output"]["task_status"] == "SUCCEEDED"
    assert time.monotonic() - began < 30
