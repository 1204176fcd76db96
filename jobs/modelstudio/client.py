"""The wire to Model Studio: one client per account, typed answers, errors named by what happens
next.

What must hold whatever the network does: a POST leaves this machine at most once, on a connection
of its own, so that neither a library's retry nor a keep-alive connection that the other side has
just closed can make a second paid task or an avoidable doubt about the first. GETs share kept-alive
connections and may be repeated. (CONTRACT §1, §8, §9, §12.)

A client may be used from several threads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, BinaryIO, Never, TypeVar
from urllib.parse import quote

from jobs.catalogue.entries import Model
from jobs.modelstudio import answers
from jobs.modelstudio.answers import (
    Submitted,
    Task,
    TaskLine,
    TaskPage,
    UploadPolicy,
    Verdict,
    tidy,
)
from jobs.modelstudio.classification import from_response, is_verdict
from jobs.modelstudio.errors import NoAnswer, OurFault, Rejected
from jobs.modelstudio.http_get import HttpGet
from jobs.modelstudio.http_post import HttpPost
from jobs.modelstudio.rules.rule import normalized
from jobs.modelstudio.upload import Form, fields_of, storage_error

MOST_PAGES = 200

_NOBODY = "00000000-0000-0000-0000-000000000000"
_TASK_ID = re.compile(r"(?!\.+$)[\x21-\x7e]{1,200}")
_Answer = TypeVar("_Answer")


class Client(HttpPost, HttpGet):
    """The calls of one account. Every method raises WireError's children and nothing else of the
    network's.

    `base_url` with an empty path gets "/api/v1"; `connect` and `read` are seconds; `read` is for a
    whole answer from its status line on, which may have up to 2 MiB. With `private_ok` it may be
    on this machine or in a private network, and name a storage there. GETs go over connections that
    all clients of a process share. Nothing of the environment counts: a .netrc would replace the
    key, and a proxy would see it. `watch` is called after every request.

    Raises ValueError with a sentence for an address, key or workspace that cannot be used.
    """

    # ── calls that may cost money ─────────────────────────────────────────────────────────────────

    def detect(self, model: Model, body: Mapping[str, Any]) -> Verdict:
        """Judge a picture; every answered call is billed, pass or fail. A 400 that judges the
        picture is a verdict of 0 units.

        `body` is `catalogue.body(…)`. Raises Rejected when the content or the request was refused
        without a judgement.
        """
        with self.watched("detect"):
            return self._detect(model, body)

    def _detect(self, model: Model, body: Mapping[str, Any]) -> Verdict:
        status, payload, headers, text = self.post(model.path, body)
        refused = payload is not None and status < 500 and is_verdict(answers.error_of(payload)[0])
        if status == 200 and payload is not None:
            try:
                return answers.verdict(model, payload, refused=refused)
            except answers.BadAnswer as error:
                text = str(error)
        failure = from_response(status, payload, headers, text=text)
        if refused:
            return answers.refused_verdict(failure.code, failure.message, failure.request_id)
        raise failure

    def submit(
        self,
        model: Model,
        body: Mapping[str, Any],
        still_timely: Callable[[], None] | None = None,
    ) -> Submitted:
        """Create a task. Sent once and only once; not at all when `still_timely`, called at the
        last moment, raises a NotSent.

        NotSent, RetryLater, Rejected, MediaUnreachable, AccountTrouble, ModelGone and OurFault
        prove that no task exists; NoAnswer (cut, time-out, 5xx, unreadable, no task id) leaves that
        open: look in the list, never send again blindly.
        """
        with self.watched("submit"):
            return self._submit(model, body, still_timely)

    def _submit(
        self, model: Model, body: Mapping[str, Any], still_timely: Callable[[], None] | None
    ) -> Submitted:
        status, payload, headers, text = self.post(
            model.path, body, asynchronous=True, still_timely=still_timely
        )
        task_id = answers.mapping((payload or {}).get("output")).get("task_id")
        if status == 200 and isinstance(task_id, str) and task_id.strip():
            return answers.submitted(payload or {})
        if status == 200 and payload is not None and not answers.error_of(payload)[0]:
            raise NoAnswer(
                "BadAnswer",
                "the answer to a submit has no task id",
                tidy(payload.get("request_id")),
                status,
            )
        raise from_response(status, payload, headers, submit=True, text=text)

    def cancel(self, task_id: str) -> bool:
        """True when the task, still PENDING, was cancelled; False when it was too late. Others
        raise."""
        with self.watched("cancel"):
            return self._cancel(task_id)

    def _cancel(self, task_id: str) -> bool:
        status, payload, headers, text = self.post(f"/tasks/{_quoted(task_id)}/cancel", None)
        if (
            status == 400
            and normalized(answers.error_of(payload or {})[0]) == "unsupportedoperation"
        ):
            return False
        if status != 200 or payload is None or answers.error_of(payload)[0]:
            raise from_response(status, payload, headers, text=text)
        return True

    # ── calls that only look ──────────────────────────────────────────────────────────────────────

    def get(self, task_id: str) -> Task:
        """One task, finished or not. A task that the service does not know comes back with
        `.unknown`, not as an error."""
        path = f"/tasks/{_quoted(task_id)}"
        payload = self.get_json(
            "query",
            path,
            {},
            good=lambda answer: "task_status" in answers.mapping(answer.get("output")),
        )
        return _read(lambda: answers.task(payload, asked=task_id), payload)

    def page(
        self, model_name: str = "", status: str = "", page_no: int = 1, page_size: int = 50
    ) -> TaskPage:
        """One page of the account's tasks of the last 24 hours, whatever key made them; in no
        promised order."""
        asked: dict[str, str] = {"page_no": str(page_no), "page_size": str(page_size)}
        if model_name:
            asked["model_name"] = model_name
        if status:
            asked["status"] = status
        try:
            payload = self.get_json("list", "/tasks/", asked)
        except (Rejected, OurFault):
            # The largest page is not documented; the default of 10 is.
            if page_size <= 10 or page_no != 1:
                raise
            return self.page(model_name, status, page_no, 10)
        return _read(lambda: answers.page(payload, page_no, page_size), payload)

    def tasks(self, model_name: str, since: datetime) -> list[TaskLine]:
        """Every task of `model_name` ("": of any model) created at or after `since` (aware) and
        within the last 24 hours, oldest first.

        The whole list or an error, never a part of it: a page that is missing raises NoAnswer, and
        when old tasks drop out of the list while it is read, which may push others past us, it is
        read again.
        """
        for _ in range(3):
            found: dict[str, TaskLine] = {}
            total, page_no, size = 0, 1, 50
            while True:
                page = self.page(model_name, page_no=page_no, page_size=size)
                size = page.page_size
                shrunk = page.total < total or (page_no < page.total_page and not page.lines)
                if shrunk:
                    break
                total = page.total
                found.update((line.task_id, line) for line in page.lines)
                if page_no >= page.total_page:
                    break
                if page_no >= MOST_PAGES:
                    raise NoAnswer(
                        "BadAnswer", f"the list of tasks has more than {MOST_PAGES} pages"
                    )
                page_no += 1
            if not shrunk:
                ours = (
                    line
                    for line in found.values()
                    if line.created_at >= since
                    and (not model_name or line.model_name in ("", model_name))
                )
                return sorted(ours, key=lambda line: line.created_at)
        raise NoAnswer("BadAnswer", "the list of tasks changed each time while it was read")

    def probe(self) -> None:
        """Test the key for free: ask for a task that cannot exist. Returns when the key is good; a
        bad one raises AccountTrouble."""
        self.get(_NOBODY)

    # ── the temporary storage ─────────────────────────────────────────────────────────────────────

    def policy(self, model_name: str) -> UploadPolicy:
        """Leave to upload files for calls of `model_name`; good for `expires_in` seconds and
        several files."""
        asked = {"action": "getPolicy", "model": model_name}
        payload = self.get_json(
            "policy", "/uploads", asked, extra={"Content-Type": "application/json"}
        )
        return _read(lambda: answers.upload_policy(payload), payload)

    def upload(self, policy: UploadPolicy, file: BinaryIO, name: str, content_type: str) -> str:
        """Upload `file` from its present position and return its `oss://` address, good for 48
        hours.

        `name` is unique within the policy's directory (the storage forbids to overwrite). The file
        is streamed. Raises ValueError for an impossible name or content type, Rejected when it is
        too large, RetryLater when the policy ran out.
        """
        form = Form(fields_of(policy, f"{policy.directory}/{name}"), file, name, content_type)
        if policy.max_bytes is not None and form.file_size > policy.max_bytes:
            raise Rejected(
                "FileTooLarge",
                f"The file has {form.file_size} bytes; the temporary storage takes "
                f"{policy.max_bytes}.",
            )
        headers = {"Content-Type": form.content_type}
        with self.watched("upload"):
            status, body, _ = self.send_once(policy.host + "/", headers, form)
            if status not in (200, 201, 204):
                raise storage_error(status, body)
        return f"oss://{policy.directory}/{name}"


def _quoted(task_id: str) -> str:
    """A task id as one step of a path. What could leave that step or the line is refused before
    anything is sent."""
    if not _TASK_ID.fullmatch(task_id):
        raise OurFault("BadTaskId", "a task id that cannot be part of an address")
    return quote(task_id, safe="")


def _read(parse: Callable[[], _Answer], payload: Mapping[str, Any] | None) -> _Answer:
    try:
        return parse()
    except answers.BadAnswer as error:
        _unreadable(str(error), payload)


def _unreadable(why: str, payload: Mapping[str, Any] | None) -> Never:
    raise NoAnswer("BadAnswer", why, tidy((payload or {}).get("request_id")), 200)
