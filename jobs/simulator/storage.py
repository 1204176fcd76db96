"""The service's own storage: temporary uploads (CONTRACT §9) and the results it hands out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, quote

from jobs.catalogue.entries import Model
from jobs.catalogue.limits import MIB
from jobs.simulator.answers import Refusal, Reply, json_reply, new_id, xml_reply
from jobs.simulator.database import Database, Task, Upload, now_ms

POLICY_SECONDS = 300
LEAST_MEGABYTES = 100
BAD_SIGNATURE = "The request signature we calculated does not match the signature you provided."
KEY_ID = "LTAIsimulator"
FIELDS = {
    "x-oss-object-acl": "private",
    "x-oss-forbid-overwrite": "true",
    "success_action_status": "200",
}


# What is found where a wrong address leads (faults wrong-result-url and bad-result).
SIGN_IN_PAGE = b"<html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"
PAGES = {
    "/results/elsewhere/page": Reply(200, SIGN_IN_PAGE, "text/html"),
    "/results/elsewhere/moved": Reply(
        302, b"", "text/html", {"Location": "/results/elsewhere/page"}
    ),
}


def largest_megabytes(model: Model) -> int:
    """`max_file_size_mb` of a model's uploads: the largest file that one of its inputs takes, 100
    at least."""
    return max(
        [LEAST_MEGABYTES]
        + [
            item.limits.max_bytes // MIB
            for item in model.inputs
            if item.limits and item.limits.max_bytes
        ]
    )


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body."""

    name: str
    filename: str | None
    content_type: str
    content: bytes


def parse_multipart(body: bytes, content_type: str) -> list[Part] | None:
    """The parts of a multipart/form-data body in their order; None when it is none."""
    match = re.search(r'multipart/form-data;.*boundary="?([^";]+)"?', content_type, re.IGNORECASE)
    if match is None:
        return None
    mark = b"--" + match[1].encode()
    found: list[Part] = []
    for chunk in (b"\r\n" + body).split(b"\r\n" + mark)[1:]:
        if chunk.startswith(b"--"):
            return found
        head, _, content = chunk.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = head.decode("utf-8", "replace")
        name = re.search(r'[; ]name="([^"]*)"', headers)
        filename = re.search(r'filename="([^"]*)"', headers)
        kind = re.search(r"content-type:\s*(\S+)", headers, re.IGNORECASE)
        if name is None:
            return None
        found.append(
            Part(name[1], filename[1] if filename else None, kind[1] if kind else "", content)
        )
    return None


class UploadRefused(Exception):
    """OSS refuses an upload: HTTP status, its code, and its message as text."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def _form(parts: list[Part] | None) -> tuple[dict[str, str], Part]:
    """The fields of an upload and its file, which comes last. Raises UploadRefused."""
    if not parts:
        raise UploadRefused(
            400,
            "MalformedPOSTRequest",
            "The body of your POST request is not well-formed multipart/form-data.",
        )
    fields = {part.name: part.content.decode("utf-8", "replace") for part in parts[:-1]}
    if parts[-1].name != "file" or "file" in fields:
        raise UploadRefused(
            400,
            "InvalidArgument",
            "POST requires exactly one file upload per request, and the file must be the last "
            "field.",
        )
    return fields, parts[-1]


class Storage:
    """Signs and checks upload policies and result addresses. `life_ms`: how long an address of a
    video lives."""

    def __init__(self, database: Database, folder: Path, life_ms: float) -> None:
        self.database, self.life_ms = database, life_ms
        self.uploads, self.results = folder / "uploads", folder / "results"
        self.uploads.mkdir(parents=True, exist_ok=True)
        self._secret = database.secret()

    def _sign(self, text: str) -> str:
        return base64.b64encode(
            hmac.new(self._secret, text.encode(), hashlib.sha1).digest()
        ).decode()

    # ── uploads ──

    def policy(self, account: str, model: Model, host: str) -> Reply:
        """The answer to getPolicy: a folder in which this account may put files for this model for
        five minutes."""
        owner = hashlib.sha256(f"{account}\0{model.name}".encode()).hexdigest()[:16]
        day = datetime.now(UTC).date().isoformat()
        folder = f"dashscope-instant/{owner}/{day}/{new_id()}"
        expires = now_ms() + POLICY_SECONDS * 1000
        self.database.add_policy(folder, account, model.name, expires)
        conditions = {
            "expiration": datetime.fromtimestamp(expires / 1000, UTC).strftime(
                "%Y-%m-%dT%H:%M:%S.000Z"
            ),
            "conditions": [
                ["content-length-range", 0, largest_megabytes(model) * MIB],
                ["starts-with", "$key", folder],
            ],
        }
        text = base64.b64encode(json.dumps(conditions).encode()).decode()
        data = {
            "policy": text,
            "signature": self._sign(text),
            "upload_dir": folder,
            "upload_host": f"http://{host}/oss",
            "expire_in_seconds": POLICY_SECONDS,
            "max_file_size_mb": largest_megabytes(model),
            "capacity_limit_mb": 999_999_999,
            "oss_access_key_id": KEY_ID,
            "x_oss_object_acl": FIELDS["x-oss-object-acl"],
            "x_oss_forbid_overwrite": FIELDS["x-oss-forbid-overwrite"],
        }
        return json_reply({"request_id": new_id(), "data": data})

    def receive(self, body: bytes, content_type: str) -> Reply:
        """A browser-style POST of one file. Every field counts, the file comes last; refusals are
        XML."""
        try:
            self._store_upload(parse_multipart(body, content_type))
        except UploadRefused as refused:
            request_id = secrets.token_hex(12).upper()
            return xml_reply(refused.status, refused.code, str(refused), request_id)
        return Reply(200, b"", "text/plain")

    def _store_upload(self, parts: list[Part] | None) -> None:
        """Raises UploadRefused for the first thing that is wrong, in the order in which OSS
        looks."""
        fields, file = _form(parts)
        if fields.get("OSSAccessKeyId") != KEY_ID:
            raise UploadRefused(
                403,
                "InvalidAccessKeyId",
                "The OSS Access Key Id you provided does not exist in our records.",
            )
        text = fields.get("policy", "")
        signature = fields.get("Signature", "")
        if not hmac.compare_digest(self._sign(text).encode(), signature.encode()):
            raise UploadRefused(403, "SignatureDoesNotMatch", BAD_SIGNATURE)
        policy = base64.b64decode(text).decode()
        key = fields.get("key", "")
        folder, _, name = key.rpartition("/")
        known = self.database.policy(folder)
        if known is None or not name or f'"{folder}"' not in policy:
            raise UploadRefused(
                403, "AccessDenied", "Invalid according to Policy: Policy Condition failed: key"
            )
        account, model, expires = known
        if now_ms() >= expires:
            raise UploadRefused(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        for field, wanted in FIELDS.items():
            if fields.get(field) != wanted:
                raise UploadRefused(
                    400, "InvalidArgument", f"The value of {field} is invalid; it must be {wanted}."
                )
        if len(file.content) > json.loads(policy)["conditions"][0][2]:
            raise UploadRefused(
                400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size."
            )
        kind = fields.get("x-oss-content-type") or file.content_type
        self._keep(key, Upload(account, model, kind, self._write(file.content), now_ms()))

    def _write(self, content: bytes) -> str:
        """The path of a new file with `content`."""
        path = self.uploads / secrets.token_hex(16)
        path.write_bytes(content)
        return str(path)

    def _keep(self, key: str, upload: Upload) -> None:
        if not self.database.add_upload(key, upload):
            Path(upload.file).unlink()
            raise UploadRefused(
                409,
                "FileAlreadyExists",
                "The object you specified already exists and can not be overwritten.",
            )

    # ── results ──

    def address(self, task: Task, host: str) -> str:
        """The public address of a finished task's video; it lives as long as the task."""
        expires = int(((task.end_ms or 0) + self.life_ms) / 1000) + 1
        signature = quote(self._sign(f"{task.result}:{expires}"), safe="")
        return f"http://{host}/results/{task.result}?Expires={expires}&Signature={signature}"

    def video(self, path: str, query: str) -> Reply:
        """The video at an address that was given out; XML otherwise. Of an address that a fault
        made wrong: a page for people, or the way to it."""
        if found := PAGES.get(path):
            return replace(found)
        request_id = secrets.token_hex(12).upper()
        name = path.removeprefix("/results/")
        asked = parse_qs(query)
        expires = asked.get("Expires", [""])[0]
        signature = asked.get("Signature", [""])[0]
        if not expires.isdigit() or not hmac.compare_digest(
            self._sign(f"{name}:{expires}").encode(), signature.encode()
        ):
            return xml_reply(403, "SignatureDoesNotMatch", BAD_SIGNATURE, request_id)
        if int(expires) <= time.time():
            return xml_reply(403, "AccessDenied", "Request has expired.", request_id)
        file = self.results / name
        if not re.fullmatch(r"[0-9a-f]{32}\.mp4", name) or not file.is_file():
            return xml_reply(404, "NoSuchKey", "The specified key does not exist.", request_id)
        return Reply(200, content_type="video/mp4", file=file)


def asked_for_policy(action: str) -> None:
    """Raise Refusal for an action that the uploads endpoint does not have."""
    if action != "getPolicy":
        raise Refusal(400, "InvalidParameter", "action must be getPolicy.")
