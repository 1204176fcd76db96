"""A program that uses the vendor's SDK as a caller would. Runs in a virtual environment of the SDK,
without Django and without anything of this project, as `python caller.py one|two`: the 1.x style
(`VideoSynthesis`) or the 2.0 style (`Jobs` of a `Client`).

An order comes on stdin as JSON: `url`, `model`, `input`, `parameters`, and
- `queues` (lists of {key, jobs}): each queue is a thread that has its jobs made one after another,
  and downloads each video to `folder`;
  with `retry` it tries again, later each time, where a careful caller would; or
- `tasks` (ids), `keys`, `spread`, `warm` and `seconds`: a thread waits for each task; they begin
  within `spread` seconds. After `warm`
  more it says "warm", waits for a line, and tells what the next `seconds` cost.
One line of JSON comes out: `done` [{key, task_id, at}], `lost` [reasons], `cpu_s`, `memory`; or
`watched_cpu_s`.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

LONGEST = 900.0  # seconds that a careful caller goes on trying one submit
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LostJob(Exception):
    """The caller has no video; says what it was told instead."""


class One:
    """The 1.x style. Errors are answers with another status, except those of the network."""

    def __init__(self, order: dict[str, Any]) -> None:
        import dashscope
        from dashscope import VideoSynthesis

        dashscope.base_http_api_url = order["url"]
        self.order, self.sdk = order, VideoSynthesis

    def submit(self, key: str) -> Any:
        order = self.order
        answer = self.sdk.async_call(
            model=order["model"],
            task="image2video",
            extra_input=order["input"],
            api_key=key,
            **order["parameters"],
        )
        if answer.status_code != 200:
            raise LostJob(f"submit: {answer.status_code} {answer.code}")
        return answer

    def name(self, made: Any) -> str:
        return str(made.output["task_id"])

    def wait(self, key: str, made: Any) -> str:
        answer = self.sdk.wait(made, api_key=key)
        if answer.status_code != 200:
            raise LostJob(f"wait: {answer.status_code} {answer.code}")
        return _address(answer.output)


class Two:
    """The 2.0 style: a client per key, shared by its threads; errors are raised."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.clients: dict[str, Any] = {}
        self.lock = threading.Lock()

    def _jobs(self, key: str) -> Any:
        import dashscope
        from dashscope.v2.resources._jobs import Jobs

        with self.lock:
            if key not in self.clients:
                self.clients[key] = Jobs(
                    dashscope.Client(api_key=key, base_url=self.order["url"]),
                    "aigc/image2video/video-synthesis",
                )
            return self.clients[key]

    def submit(self, key: str) -> Any:
        order = self.order
        return self._jobs(key).create(
            model=order["model"], input=order["input"], parameters=order["parameters"]
        )

    def name(self, made: Any) -> str:
        return str(made.task_id)

    def wait(self, key: str, made: Any) -> str:
        return _address(self._jobs(key).wait(made).output)


def _address(output: Any) -> str:
    if output["task_status"] != "SUCCEEDED":
        raise LostJob(f"task: {output['task_status']}")
    return str((output.get("results") or {}).get("video_url") or output["video_url"])


def patiently(step: Callable[[], Any]) -> Any:
    """A careful caller: again after 1, 2, 4, 8 … seconds, half of it by the dice."""
    began, pause = time.monotonic(), 1.0
    while True:
        try:
            return step()
        except Exception:
            if time.monotonic() - began > LONGEST:
                raise
        time.sleep(pause * random.uniform(0.5, 1.0))
        pause = min(8.0, pause * 2)


def make(sdk: One | Two, order: dict[str, Any]) -> dict[str, Any]:
    """All queues of the order, side by side."""
    try_: Callable[[Callable[[], Any]], Any] = (
        patiently if order.get("retry") else lambda step: step()
    )
    done: list[dict[str, Any]] = []
    lost: list[str] = []

    def queue(number: int, key: str, jobs: int) -> None:
        for job in range(jobs):
            try:
                made = try_(partial(sdk.submit, key))
                url = try_(partial(sdk.wait, key, made))
                video = Path(order["folder"]) / f"{number}-{job}.mp4"
                with OPENER.open(url, timeout=30) as answer:
                    video.write_bytes(answer.read())
                done.append({"key": key, "task_id": sdk.name(made), "at": time.time()})
            except Exception as error:
                lost.append(f"{type(error).__name__}: {error}"[:200])

    with ThreadPoolExecutor(len(order["queues"])) as pool:
        for number, one in enumerate(order["queues"]):
            pool.submit(queue, number, one["key"], one["jobs"])
    return {"done": done, "lost": lost}


def watch(sdk: One | Two, order: dict[str, Any]) -> dict[str, Any]:
    """Wait for tasks that never end, for so many seconds."""
    for number, task_id in enumerate(order["tasks"]):
        threading.Thread(
            target=sdk.wait, args=(order["keys"][number], task_id), daemon=True
        ).start()
        time.sleep(order["spread"] / len(order["tasks"]))
    time.sleep(order["warm"])
    print("warm", flush=True)
    sys.stdin.readline()
    cpu = time.process_time()
    time.sleep(order["seconds"])
    return {"watched_cpu_s": time.process_time() - cpu}


def main() -> None:
    order = json.loads(sys.stdin.readline())
    sdk = One(order) if sys.argv[1] == "one" else Two(order)
    told = watch(sdk, order) if "tasks" in order else make(sdk, order)
    memory = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    print(json.dumps({**told, "cpu_s": time.process_time(), "memory": memory}), flush=True)
    os._exit(0)  # threads that still wait would keep us


if __name__ == "__main__":
    main()
