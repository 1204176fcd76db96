"""Calls of the simulator."""

from __future__ import annotations

import http.server
import io
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np
import requests

from jobs.catalogue.entries import MODELS
from jobs.simulator import Simulator

SAMPLES = Path(__file__).parents[4] / "jobs" / "samples"
FACE, FRAME = [292, 304, 672, 684], [7, 0, 957, 950]
SYNTHESIS = "/services/aigc/image2video/video-synthesis"
DETECT = "/services/aigc/image2video/face-detect"
TEMPLATE = "/services/aigc/image2video/aa-template-generation"
AA_DETECT = "/services/aigc/image2video/aa-detect"


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


def check(
    sim: Simulator, url: str, model: str = "emo-detect-v1", key: str = "sk-check", **parameters: Any
) -> requests.Response:
    body = {
        "model": model,
        "input": {"image_url": url},
        "parameters": {"ratio": "1:1"} | parameters,
    }
    return post(sim, MODELS[model].path, body, key=key)


def submit(sim: Simulator, host: str, *, key: str) -> str:
    answer = post(sim, SYNTHESIS, emo(host), key=key)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["output"]["task_id"])


def until(true: Any, seconds: float = 20.0) -> None:
    """Wait until `true()`; fails after `seconds`."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it never came to pass"
        time.sleep(0.02)
