"""What the service does with a task: the queue of each account and model, the rendering, the bill
(CONTRACT §0, §10)."""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
import time
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import av

from jobs.catalogue.entries import MODELS, Kind, Model
from jobs.simulator import (
    face_detection,
    media_probe,
    render_dancing,
    render_talking,
    verdicts,
    video_file,
)
from jobs.simulator.answers import Refusal
from jobs.simulator.database import WAITING, WORKING, BillLine, Database, Task, now_ms
from jobs.simulator.fetch import download_input
from jobs.simulator.request_bodies import ModelRequest, check_frame_inside, read_request

log = logging.getLogger(__name__)

TASK_TIMEOUT_SECONDS = 3 * 3600.0
TASK_LIFE_SECONDS = 24 * 3600.0
QUEUE_SECONDS = 2.0  # from an empty queue to a machine
MAX_RENDERS = 2


class ServiceStopping(Exception):
    """The service is closing; the task goes on after the next start."""


@dataclass(slots=True)
class Clock:
    """How fast contract time passes. `life` is for the 3 h and the 24 h, which would be useless if
    they shrank with `speed`."""

    speed: float = 1.0
    life: float = 1.0
    work_per_second: float = 8.5

    def work_ms(self, seconds: float) -> float:
        """Real milliseconds that a video of `seconds` keeps a machine busy."""
        return seconds * self.work_per_second / self.speed * 1000

    @property
    def life_ms(self) -> float:
        return TASK_LIFE_SECONDS / self.life * 1000

    @property
    def kill_ms(self) -> float:
        return TASK_TIMEOUT_SECONDS / self.life * 1000

    @property
    def queue_ms(self) -> float:
        return QUEUE_SECONDS / self.speed * 1000


def price_of(model: Model, units: Decimal, variant: str) -> int:
    """Millionths of a US dollar for `units` (seconds or images) at the list price, rounded half
    up."""
    for price in model.prices:
        if price.currency == "USD" and price.variant == variant and not price.region:
            return int((units * price.micros).quantize(Decimal(1), ROUND_HALF_UP))
    raise KeyError(f"{model.name} has no USD list price for variant {variant!r}")


def usage_of(model: Model, seconds: float, variant: str) -> dict[str, Any]:
    """`usage` of a finished task, as each family words it (CONTRACT §13)."""
    usage: dict[str, Any] = {model.usage: round(seconds, 2)}
    if model.usage == "duration":
        usage["video_count"] = 1
    if model.variant is None:
        usage["video_ratio"] = "standard"
    else:
        usage[model.variant.usage] = next(
            raw for raw, word in model.variant.words if word == variant
        )
    return usage


class TaskRunner:
    """Starts what may start, one task at a time per lane, and sees each through to its end."""

    def __init__(self, database: Database, folder: Path, clock: Clock) -> None:
        self.database, self.folder, self.clock = database, folder, clock
        self.results = folder / "results"
        self.media = folder / "media"
        self.results.mkdir(parents=True, exist_ok=True)
        self.media.mkdir(parents=True, exist_ok=True)
        self._wakeup = threading.Event()
        self._stopping = threading.Event()
        self._renders = threading.BoundedSemaphore(MAX_RENDERS)
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._swept = 0.0

    def start(self) -> None:
        known = {task.result for task in self.database.tasks("status = 'SUCCEEDED'")}
        for file in self.results.iterdir():
            if file.name not in known:
                file.unlink()  # left behind by a render that a kill interrupted
        self._spawn(self._run, "simulator-queue")

    def stop(self) -> None:
        """Stop between two steps; what was running is done again by the next start."""
        self._stopping.set()
        self._wakeup.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def wake(self) -> None:
        """Something was queued or cancelled: look at once."""
        self._wakeup.set()

    def _spawn(self, target: Any, name: str, *args: Any) -> None:
        thread = threading.Thread(target=target, name=name, args=args, daemon=True)
        with self._lock:
            self._threads = [t for t in self._threads if t.is_alive() or t.ident is None]
            self._threads.append(thread)
        thread.start()

    # ── the queue ──

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                wait = self._start_due_tasks()
            except Exception:
                log.exception("the queue failed")
                wait = 0.5
            self._wakeup.wait(wait)
            self._wakeup.clear()

    def _start_due_tasks(self) -> float:
        """Start every task that is due; returns the seconds until the next one could be."""
        now = now_ms()
        if time.monotonic() - self._swept > 5:
            self._swept = time.monotonic()
            self._delete_expired_videos(now)
        open_tasks = self.database.tasks("status not in ('SUCCEEDED', 'FAILED', 'CANCELED')")
        running: dict[tuple[str, str], int] = {}
        wait = 1.0
        for task in open_tasks:
            if task.status in WORKING:
                running[task.lane] = running.get(task.lane, 0) + 1
        for task in open_tasks:
            with self._lock:
                if task.task_id in self._busy:
                    continue
            if now - task.created_ms > self.clock.kill_ms:
                self.database.fail(
                    task.task_id,
                    "InternalError.Timeout",
                    Refusal(500, "InternalError.Timeout").message,
                )
                continue
            if task.status == WAITING:
                allowed = MODELS[task.model].concurrency
                if allowed is not None and running.get(task.lane, 0) >= allowed:
                    continue
                due = task.created_ms + self.clock.queue_ms
                if due > now:
                    wait = min(wait, (due - now) / 1000)
                    # The lane is in order: nobody overtakes the one whose machine is being made
                    # ready.
                    running[task.lane] = running.get(task.lane, 0) + 1
                    continue
                states = MODELS[task.model].extra_states
                first = states[0] if states else "RUNNING"
                if not self.database.move(task.task_id, (WAITING,), first, scheduled_ms=now):
                    continue  # cancelled in between
                running[task.lane] = running.get(task.lane, 0) + 1
            with self._lock:
                self._busy.add(task.task_id)
            self._spawn(self._work_on, f"task-{task.task_id[:8]}", task.task_id)
        return max(0.005, wait)

    def _delete_expired_videos(self, now: int) -> None:
        """Forget videos that are older than their address; the bill stays."""
        for task in self.database.tasks(
            "status = 'SUCCEEDED' and end_ms < ? and result like '%.mp4'",
            (now - self.clock.life_ms,),
        ):
            (self.results / task.result).unlink(missing_ok=True)

    def _work_on(self, task_id: str) -> None:
        task = self.database.task(task_id)
        try:
            if task is not None:
                self._run_task(task)
        except ServiceStopping:
            return
        except Refusal as refusal:
            self.database.fail(task_id, refusal.code, refusal.message)
            self._delete_inputs(task_id)
        except Exception:
            log.exception("task %s broke", task_id)
            if not self._stopping.is_set():
                self.database.fail(task_id, "InternalError.Algo", "inference internal error.")
                self._delete_inputs(task_id)
        finally:
            with self._lock:
                self._busy.discard(task_id)
            self._wakeup.set()

    def _delete_inputs(self, task_id: str) -> None:
        shutil.rmtree(self.media / task_id, ignore_errors=True)

    def _wait_until(self, until_ms: float, task: Task) -> None:
        """Sleep until then; raises Stopped, or the 3 h Refusal when the task is that old."""
        killed_at = task.created_ms + self.clock.kill_ms
        left = min(until_ms, killed_at) - now_ms()
        if left > 0 and self._stopping.wait(left / 1000):
            raise ServiceStopping
        if self._stopping.is_set():
            raise ServiceStopping
        if now_ms() >= killed_at:
            raise Refusal(500, "InternalError.Timeout")

    # ── one task ──

    def _run_task(self, task: Task) -> None:
        model = MODELS[task.model]
        request = read_request(model, task.body)
        files = self._download_inputs(task, request)
        found = self._check_media(model, files)
        seconds = found[model.length_of].seconds
        scheduled = task.scheduled_ms or now_ms()
        ready = scheduled + self.clock.work_ms(seconds)
        if task.fail_code:
            self._wait_until(ready, task)
            raise Refusal(400, task.fail_code)
        before, after = (*model.extra_states, "", "")[:2]
        if before:
            self._wait_until(scheduled + 0.1 * (ready - scheduled), task)
            self.database.move(task.task_id, (before,), "RUNNING")
        name = f"{secrets.token_hex(16)}.mp4"
        if model.kind is Kind.VIDEO:
            with self._renders:
                if self._stopping.is_set():
                    raise ServiceStopping
                self._render(request, files, found, seconds, self.results / name)
            seconds = video_file.duration_of(self.results / name)
        else:
            verdicts.require_person_in_video(
                face_detection.detect_people(_first_frame(files[model.length_of]), bodies=True)
            )
        if after:
            self._wait_until(scheduled + 0.9 * (ready - scheduled), task)
            self.database.move(task.task_id, ("RUNNING",), after)
        self._wait_until(ready, task)
        self._finish(task, request, name, seconds, files)

    def _finish(
        self, task: Task, request: ModelRequest, name: str, seconds: float, files: dict[str, Path]
    ) -> None:
        model = request.model
        usage = usage_of(model, seconds, request.variant)
        units = Decimal(str(usage[model.usage]))
        line = BillLine(
            task.account,
            task.task_id,
            model.name,
            units,
            request.variant,
            price_of(model, units, request.variant),
        )
        if model.kind is Kind.TEMPLATE:
            result = (
                f"AACT.{secrets.token_hex(4)}.{secrets.token_hex(2)}-"
                f"{secrets.token_urlsafe(16)}.{secrets.token_hex(4)}"
            )
            self.database.succeed(
                task, result, usage, line, template=str(next(iter(files.values())))
            )
        elif self.database.succeed(task, name, usage, line):
            self._delete_inputs(task.task_id)
        else:
            (self.results / name).unlink(missing_ok=True)

    def _download_inputs(self, task: Task, request: ModelRequest) -> dict[str, Path]:
        """The media of the task as files of ours, by input name; kept until the end so that a
        restart needs no second download."""
        folder = self.media / task.task_id
        folder.mkdir(exist_ok=True)
        files = {}
        for item in request.model.inputs:
            if item.kind == "template":
                kept = self.database.template(request.inputs[item.name], task.account)
                if kept is None or not Path(kept).is_file():
                    raise Refusal(400, "InvalidFile.Template.Content")
                files[item.name] = Path(kept)
            elif item.kind in ("image", "audio", "video"):
                files[item.name] = folder / item.name
                if not files[item.name].exists():
                    download_input(
                        request.inputs[item.name],
                        item.kind,
                        files[item.name],
                        database=self.database,
                    )
        return files

    def _check_media(
        self, model: Model, files: dict[str, Path]
    ) -> dict[str, media_probe.MediaFacts]:
        found: dict[str, media_probe.MediaFacts] = {}
        for item in model.inputs_of("image", "audio", "video", "template"):
            seen = media_probe.probe(files[item.name])
            if item.limits is not None:
                media_probe.check_limits(item.limits, seen)
            if seen is None:
                raise Refusal(400, "InvalidFile.Openerror")
            found[item.name] = seen
        return found

    def _render(
        self,
        request: ModelRequest,
        files: dict[str, Path],
        found: dict[str, media_probe.MediaFacts],
        seconds: float,
        to: Path,
    ) -> None:
        model = request.model
        image = model.inputs_of("image")[0].name
        picture = face_detection.read_picture(files[image])
        sounds = model.inputs_of("audio")
        if sounds:
            check_frame_inside(request.frame, picture.shape[1], picture.shape[0])
            face = request.face
            if face is None:
                people = face_detection.detect_people(picture)
                verdicts.require_person(people)
                face = people.face.box if people.face else None
            render_talking.render(
                to,
                picture,
                files[sounds[0].name],
                seconds,
                output=model.output,
                frame=request.frame,
                face=face,
                choices=request.choices,
            )
            return
        clip = model.inputs_of("video", "template")[0].name
        people = face_detection.detect_people(picture, bodies=True)
        if request.choices.get("check_image") is not False:
            verdicts.require_person(people)
        size = render_dancing.size_of(request.choices, (found[clip].width, found[clip].height))
        render_dancing.render(
            to,
            picture,
            files[clip],
            seconds,
            output=model.output,
            person=_person_box(people),
            size=size,
            own_background=request.choices.get("use_ref_img_bg") is True,
        )


def _person_box(people: face_detection.People) -> face_detection.Box:
    """The box of the whole figure: what HOG says, else what a face of this size implies."""
    face = people.face
    if face is None:
        return max(
            people.bodies, key=lambda b: b[3] - b[1], default=(0, 0, people.width, people.height)
        )
    wide = face.box[2] - face.box[0]
    middle = (face.box[0] + face.box[2]) // 2
    return (
        max(0, middle - round(2.6 * wide)),
        max(0, face.box[1] - round(0.7 * face.height)),
        min(people.width, middle + round(2.6 * wide)),
        min(people.height, face.box[3] + 8 * face.height),
    )


def _first_frame(path: Path) -> face_detection.Picture:
    import numpy as np

    with av.open(str(path)) as clip:
        for frame in clip.decode(video=0):
            return np.ascontiguousarray(frame.to_ndarray(format="bgr24"))
    raise Refusal(400, "InvalidFile.Openerror")
