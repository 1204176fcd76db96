"""The temporary storage: its policy, the exact form, and its errors in XML."""

from __future__ import annotations

import io
import json
import socketserver
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any, BinaryIO

import pytest

from jobs.modelstudio import (
    AccountTrouble,
    Client,
    NoAnswer,
    NotSent,
    OurFault,
    Rejected,
    RetryLater,
    UploadPolicy,
    WireError,
    http_get,
)

POLICY = {
    "policy": "eyJl.1ZSJ=",
    "signature": "eWy=",
    "upload_dir": "dashscope-instant/xxx/2024-07-18/xxx",
    "upload_host": "https://dashscope-file-xxx.oss-cn-beijing.aliyuncs.com",
    "expire_in_seconds": 300,
    "max_file_size_mb": 100,
    "capacity_limit_mb": 999999999,
    "oss_access_key_id": "LTA1",
    "x_oss_object_acl": "private",
    "x_oss_forbid_overwrite": "true",
}
EXPIRED = (
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>"
    b"<Message>Invalid according to Policy: Policy expired.</Message>"
    b"<RequestId>R1</RequestId></Error>"
)


class Stub(socketserver.ThreadingTCPServer):
    """Reads whole requests and answers with `status` and `answer`; keeps heads, and bodies only
    while `keep`."""

    allow_reuse_address = True
    daemon_threads = True
    status, answer, keep = 200, b"", True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Speaker)
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.received = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Speaker(socketserver.StreamRequestHandler):
    server: Stub

    def handle(self) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            lines.append(line.decode())
        head = "".join(lines)
        self.server.heads.append(head)
        length = next(
            (
                int(line.split(":")[1])
                for line in lines
                if line.lower().startswith("content-length:")
            ),
            0,
        )
        body = b""
        while length:
            part = self.rfile.read(min(length, 65536))
            if not part:
                return
            length -= len(part)
            self.server.received += len(part)
            body += part if self.server.keep else b""
        self.server.bodies.append(body)
        answer = self.server.answer
        self.wfile.write(
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (self.server.status, len(answer), answer)
        )


@pytest.fixture
def stub() -> Iterator[Stub]:
    made = Stub()
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_get, "PAUSES", (0.001, 0.001))


def wire(stub: Stub) -> Client:
    return Client(stub.address, "sk-0123456789", private_ok=True, read=5)


def leave(stub: Stub, **changes: Any) -> UploadPolicy:
    told = {
        "host": stub.address,
        "directory": "dashscope-instant/a/b",
        "policy": "eyJl=",
        "signature": "eWy=",
        "access_key_id": "LTA1",
        "object_acl": "private",
        "forbid_overwrite": "true",
        "expires_in": 300,
        "max_bytes": 100 * 1024 * 1024,
    }
    return UploadPolicy(**{**told, **changes})


def test_the_policy(stub: Stub) -> None:
    stub.answer = json.dumps({"request_id": "r", "data": POLICY}).encode()
    told = wire(stub).policy("emo-v1")
    assert told == UploadPolicy(
        "https://dashscope-file-xxx.oss-cn-beijing.aliyuncs.com",
        "dashscope-instant/xxx/2024-07-18/xxx",
        "eyJl.1ZSJ=",
        "eWy=",
        "LTA1",
        "private",
        "true",
        300,
        100 * 1024 * 1024,
    )
    assert "eWy" not in repr(told)
    assert "LTA1" not in repr(told)
    assert stub.heads[0].startswith("GET /api/v1/uploads?action=getPolicy&model=emo-v1 ")
    assert "\r\nContent-Type: application/json\r\n" in stub.heads[0]
    assert "Authorization: Bearer sk-0123456789\r\n" in stub.heads[0]


def test_numbers_of_a_policy_may_be_words_and_its_fields_may_not_be_missing(stub: Stub) -> None:
    stub.answer = json.dumps(
        {
            "data": {
                **POLICY,
                "expire_in_seconds": "60",
                "max_file_size_mb": "5",
                "x_oss_forbid_overwrite": True,
            }
        }
    ).encode()
    told = wire(stub).policy("emo-v1")
    assert (told.expires_in, told.max_bytes, told.forbid_overwrite) == (60, 5 * 1024 * 1024, "true")
    stub.answer = json.dumps(
        {
            "data": {
                key: value for key, value in POLICY.items() if not key.startswith(("expire", "max"))
            }
        }
    ).encode()
    assert (wire(stub).policy("emo-v1").expires_in, wire(stub).policy("emo-v1").max_bytes) == (
        0,
        None,
    )
    for changes in (
        {"signature": ""},
        {"policy": None},
        {"upload_dir": 5},
        {"upload_host": "nowhere"},
        {"upload_host": "file:///etc"},
    ):
        stub.answer = json.dumps({"data": {**POLICY, **changes}}).encode()
        with pytest.raises(NoAnswer):
            wire(stub).policy("emo-v1")


def test_the_form_is_exact(stub: Stub) -> None:
    content = bytes(range(256)) * 3
    file = io.BytesIO(b"skip" + content)
    file.seek(4)
    assert (
        wire(stub).upload(leave(stub), file, "p-1.png", "image/png")
        == "oss://dashscope-instant/a/b/p-1.png"
    )
    head, body = stub.heads[0], stub.bodies[0]
    assert head.startswith("POST / HTTP/1.1\r\n")
    assert "authorization" not in head.lower()
    assert "transfer-encoding" not in head.lower()
    assert f"\r\nContent-Length: {len(body)}\r\n" in head
    boundary = head.split("multipart/form-data; boundary=")[1].split("\r\n")[0]
    parts = body.split(f"--{boundary}".encode())
    assert parts[0] == b""
    assert parts[-1] == b"--\r\n"
    fields = [part[2:-2].split(b"\r\n\r\n", 1) for part in parts[1:-1]]
    assert [(about.decode(), value) for about, value in fields] == [
        ('Content-Disposition: form-data; name="OSSAccessKeyId"', b"LTA1"),
        ('Content-Disposition: form-data; name="Signature"', b"eWy="),
        ('Content-Disposition: form-data; name="policy"', b"eyJl="),
        ('Content-Disposition: form-data; name="x-oss-object-acl"', b"private"),
        ('Content-Disposition: form-data; name="x-oss-forbid-overwrite"', b"true"),
        ('Content-Disposition: form-data; name="key"', b"dashscope-instant/a/b/p-1.png"),
        ('Content-Disposition: form-data; name="success_action_status"', b"200"),
        (
            'Content-Disposition: form-data; name="file"; filename="p-1.png"\r\nContent-Type: '
            "image/png",
            content,
        ),
    ]


class Zeros(io.RawIOBase, BinaryIO):
    """A file of `size` zeros that takes no room; remembers the longest read."""

    def __init__(self, size: int) -> None:
        self.size, self.place, self.longest = size, 0, 0

    def seek(self, place: int, whence: int = 0) -> int:
        self.place = place if whence == 0 else self.size + place
        return self.place

    def tell(self) -> int:
        return self.place

    def read(self, size: int = -1) -> bytes:
        size = self.size - self.place if size < 0 else min(size, self.size - self.place)
        self.longest = max(self.longest, size)
        self.place += size
        return bytes(size)


def test_a_large_file_is_streamed(stub: Stub) -> None:
    stub.keep = False
    file = Zeros(48 * 1024 * 1024)
    tracemalloc.start()
    wire(stub).upload(leave(stub), file, "v.mp4", "video/mp4")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stub.received > file.size
    assert file.longest <= 1024 * 1024
    assert peak < 8 * 1024 * 1024


@pytest.mark.parametrize(
    ("status", "answer", "kind", "code"),
    [
        (403, EXPIRED, RetryLater, "AccessDenied"),
        (
            400,
            b"<Error><Code>EntityTooLarge</Code><Message>Too &lt;big&gt;</Message></Error>",
            Rejected,
            "EntityTooLarge",
        ),
        (
            403,
            b"<Error><Code>SignatureDoesNotMatch</Code></Error>",
            OurFault,
            "SignatureDoesNotMatch",
        ),
        (409, b"<Error><Code>FileAlreadyExists</Code></Error>", OurFault, "FileAlreadyExists"),
        (503, b"<Error><Code>ServiceUnavailable</Code></Error>", NoAnswer, "ServiceUnavailable"),
        (502, b"<html>", NoAnswer, "StorageError"),
        (429, b'{"code": "Throttling.RateQuota"}', RetryLater, "StorageError"),
    ],
)
def test_errors_of_the_storage(
    stub: Stub, status: int, answer: bytes, kind: type[WireError], code: str
) -> None:
    stub.status, stub.answer = status, answer
    with pytest.raises(kind) as told:
        wire(stub).upload(leave(stub), io.BytesIO(b"x"), "p.png", "image/png")
    assert (told.value.code, told.value.status) == (code, status)
    assert len(stub.heads) == 1
    if status == 400:
        assert told.value.message == "Too <big>"


def test_a_file_that_is_too_large_is_not_sent(stub: Stub) -> None:
    with pytest.raises(Rejected) as told:
        wire(stub).upload(leave(stub, max_bytes=10), io.BytesIO(b"x" * 11), "p.png", "image/png")
    assert told.value.explain().fault == "input"
    assert stub.heads == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a/b.png", "image/png"),
        ('a".png', "image/png"),
        ("", "image/png"),
        ("a.png", "image/png\r\nX: y"),
        ("..", "image/png"),
    ],
)
def test_names_that_could_leave_their_place_are_refused(stub: Stub, name: str, kind: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        wire(stub).upload(leave(stub), io.BytesIO(b"x"), name, kind)
    assert stub.heads == []


def test_a_file_that_shrinks_while_it_is_sent_is_no_upload(stub: Stub) -> None:
    class Shrinking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return b""

    with pytest.raises(NoAnswer):
        wire(stub).upload(leave(stub), Shrinking(b"x" * 100), "p.png", "image/png")


def test_no_storage_and_a_bad_key(stub: Stub) -> None:
    with pytest.raises(NotSent):
        wire(stub).upload(
            leave(stub, host="http://127.0.0.1:1"), io.BytesIO(b"x"), "p.png", "image/png"
        )
    stub.status, stub.answer = 401, b'{"code": "InvalidApiKey", "message": "x"}'
    with pytest.raises(AccountTrouble):
        wire(stub).policy("emo-v1")
