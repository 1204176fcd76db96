"""The vendor's SDK (dashscope 2.0.2, both its styles, each in a virtual environment of its own) and
we, on the same simulator process at the same time: one line with the figures of each.

- makespan: 50 jobs on one lane, handed over at once; the SDK by a caller that does not try again,
  and by one that does
- lag: jobs one after the other on several lanes; from the end of a task to its video in hand
- queries: jobs of two minutes; status queries for each
- dropped: one submit whose answer is cut off, once and every time; tasks that exist then
- cpu: tasks that never end, against a stub; processor time of a status query
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import ExitStack
from typing import Any

from tests.bench import flow, stage
from tests.bench.dropped import seen, submit
from tests.bench.flow import STYLES, Peer, Work

WORKS = {
    "makespan": Work(1, 50, 20.0),
    "lag": Work(6, 6, 40.0, at_once=False),
    "queries": Work(6, 1, 120.0),
}


def side_by_side(what: str, work: Work) -> None:
    patient = (False, True) if what == "makespan" else (True,)
    sides = [(style, retry) for style in STYLES for retry in patient]
    for style in STYLES:
        flow.python_of(style)
    with ExitStack() as stack:
        service = stage.line(stack.enter_context(stage.module("service", "--length", work.length)))
        samples = stack.enter_context(flow.files())
        stack.enter_context(
            stage.site(redis=True, database=stage.database_asked(), MEDIA_DELIVERY="temporary")
        )
        stack.enter_context(stage.workers())
        keys = {
            name: [f"sk-{name.replace(' ', '-')}-{number}" for number in range(work.lanes)]
            for name in ("ours", *(_name(*side) for side in sides))
        }
        waiting = flow.ours(service, work, keys["ours"])
        assert next(waiting) is None
        peers = {}
        for style, retry in sides:
            name = _name(style, retry)
            queues = [
                {"key": key, "jobs": 1 if work.at_once else work.jobs}
                for _ in range(work.jobs if work.at_once else 1)
                for key in keys[name]
            ]
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            told = flow.order(service, samples, queues=queues, retry=retry, folder=folder)
            peers[name] = Peer(stack.enter_context(flow.calling(style)), told)
        *_, last = waiting
        assert last is not None
        done = {"ours": last, **{name: peer.done(work.patience) for name, peer in peers.items()}}
        figures = {
            name: _rounded(flow.figures(service, keys[name], work, one))
            for name, one in done.items()
        }
        stage.say(
            bench=f"peers {what}",
            lanes=work.lanes,
            length_s=work.length,
            **figures,
            machine_ms=stage.machine(),
        )


def _name(style: str, retry: bool) -> str:
    return STYLES[style] + (" careful" if retry else "")


def _rounded(numbers: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in numbers.items()
    }


# ── a submit that is cut off ──────────────────────────────────────────────────────────────────────


def dropped() -> None:
    told: dict[str, Any] = {}
    for style in STYLES:
        flow.python_of(style)
    with ExitStack() as stack:
        service = stage.line(stack.enter_context(stage.module("service", "--length", 120)))
        samples = stack.enter_context(flow.files())
        stack.enter_context(
            stage.site(redis=True, database=stage.database_asked(), MEDIA_DELIVERY="temporary")
        )
        stack.enter_context(stage.workers())
        for times, when in ((1, "once"), (50, "always")):
            for name in ("ours", *STYLES):
                key = f"sk-{name}-{when}"
                stage.asked_of(
                    service,
                    "/simulator/arm",
                    {"fault": "cut-after", "where": "submit", "times": times},
                )
                ended = (
                    submit(service, key)
                    if name == "ours"
                    else _peer_dropped(name, service, samples, key)
                )
                stage.asked_of(service, "/simulator/disarm", {})
                told[f"{STYLES.get(name, name)} {when}"] = seen(service, key, ended)
        stage.say(bench="peers dropped", **told)


def _peer_dropped(style: str, service: str, samples: str, key: str) -> str:
    """One call of a caller that does not try again by itself; whatever is sent twice, the SDK
    sends."""
    with tempfile.TemporaryDirectory() as folder, flow.calling(style) as process:
        peer = Peer(
            process,
            flow.order(
                service, samples, queues=[{"key": key, "jobs": 1}], retry=False, folder=folder
            ),
        )
        end = time.monotonic() + 60
        while time.monotonic() < end and peer.answer is None:
            time.sleep(0.2)
            calls = stage.asked_of(service, "/simulator/seen")["seen"].get(key, {})
            if calls.get("get", 0) > 1:  # it waits for a task, so it has submitted
                return "waits for one of them"
        return "; ".join((peer.answer or {}).get("lost", [])) or "never ended"


# ── processor time ────────────────────────────────────────────────────────────────────────────────


def cpu(tasks: int, seconds: float) -> None:
    told: dict[str, Any] = {}
    for style in STYLES:
        python = flow.python_of(style)
        assert python.exists()
    with stage.module("stub") as stub:
        url = stage.line(stub)
        for style in STYLES:
            before = stage.machine()
            with flow.calling(style) as process:
                names = [f"{style}-{number}" for number in range(tasks)]
                keys = [f"sk-{style}-{number}" for number in range(tasks)]
                flow.tell(
                    process,
                    json.dumps(
                        flow.order(
                            url, "", tasks=names, keys=keys, spread=8.0, warm=20.0, seconds=seconds
                        )
                    ),
                )
                assert stage.line(process) == "warm"
                stage.asked_of(url, "/stub/reset", {})
                flow.tell(process, "")
                answer = json.loads(stage.line(process))
            queries = stage.asked_of(url, "/stub/report")["gets"]
            machine = (before + stage.machine()) / 2
            told[STYLES[style]] = _rounded(
                {
                    "cpu_ms_per_query": answer["watched_cpu_s"] * 1000 / max(1, queries),
                    "cpu_ms_per_query_quick": answer["watched_cpu_s"]
                    * 1000
                    / max(1, queries)
                    * stage.QUICK
                    / machine,
                    "queries_per_s": queries / seconds,
                    "memory_mb": answer["memory"] / 1e6,
                }
            )
    stage.say(
        bench="peers cpu",
        tasks=tasks,
        **told,
        machine_ms=stage.machine(),
        ours="python -m tests.bench.lanes",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=(*WORKS, "dropped", "cpu"), required=True)
    parser.add_argument("--jobs", type=int, help="on each lane")
    parser.add_argument("--lanes", type=int)
    parser.add_argument("--length", type=float, help="seconds of work of each job")
    parser.add_argument("--tasks", type=int, default=100, help="of cpu")
    parser.add_argument("--seconds", type=float, default=40.0, help="of cpu")
    asked = parser.parse_args()
    if asked.what == "dropped":
        dropped()
    elif asked.what == "cpu":
        cpu(asked.tasks, asked.seconds)
    else:
        usual = WORKS[asked.what]
        work = Work(
            asked.lanes or usual.lanes,
            asked.jobs or usual.jobs,
            asked.length or usual.length,
            usual.at_once,
        )
        side_by_side(asked.what, work)


if __name__ == "__main__":
    main()
