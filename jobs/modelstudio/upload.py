"""The body of an upload to the temporary storage (CONTRACT §9): a form whose last part is the file,
streamed."""

from __future__ import annotations

import html
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from jobs.modelstudio.answers import UploadPolicy, tidy
from jobs.modelstudio.errors import NoAnswer, OurFault, Rejected, RetryLater, WireError

_CHUNK = 64 * 1024
SLOWEST = 16 * 1024  # bytes a second that a whole upload must make, after START
START = 30.0  # seconds
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,80}/[A-Za-z0-9.+-]{1,80}")


class Form:
    """A multipart/form-data body of known length that reads `file` from its present position as it
    is sent.

    Raises ValueError for a name or content type that has no place in a header.
    """

    def __init__(
        self, fields: Mapping[str, str], file: BinaryIO, name: str, content_type: str
    ) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"The upload name {name!r} may only have letters, digits, dots, dashes and "
                "underscores."
            )
        if not _TYPE.fullmatch(content_type):
            raise ValueError(f"{content_type!r} is no content type; it looks like image/jpeg.")
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        head = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, value in fields.items()
        )
        head += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{name}"\r\nContent-Type: {content_type}\r\n\r\n'
        )
        self._head = head.encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._file = file
        self._start = file.tell()
        self.file_size = file.seek(0, os.SEEK_END) - self._start
        file.seek(self._start)

    def __len__(self) -> int:
        return len(self._head) + self.file_size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._start)
        # The time-out of the socket begins anew with every chunk.
        end = time.monotonic() + START + len(self) / SLOWEST
        yield self._head
        left = self.file_size
        while left:
            chunk = self._file.read(min(_CHUNK, left))
            if not chunk:
                raise OSError("the file became shorter while it was uploaded")
            left -= len(chunk)
            if time.monotonic() > end:
                raise TimeoutError("the storage takes the file too slowly")
            yield chunk
        yield self._tail


def fields_of(policy: UploadPolicy, key: str) -> dict[str, str]:
    """The form's fields in the contract's order; the file comes after them."""
    return {
        "OSSAccessKeyId": policy.access_key_id,
        "Signature": policy.signature,
        "policy": policy.policy,
        "x-oss-object-acl": policy.object_acl,
        "x-oss-forbid-overwrite": policy.forbid_overwrite,
        "key": key,
        "success_action_status": "200",
    }


def storage_error(status: int, body: bytes) -> WireError:
    """The error in the storage's XML. Read by pattern: an XML parser would bring entities with
    it."""
    text = body[:20_000].decode("utf-8", "replace")

    def element(tag: str) -> str:
        found = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        return tidy(html.unescape(found.group(1))) if found else ""

    code, message = element("Code"), element("Message")
    words = (
        code or "StorageError",
        message or f"HTTP {status} from the temporary storage",
        element("RequestId"),
        status,
    )
    if status >= 500 or status < 300 or status in (302, 303, 408):
        return NoAnswer(*words)
    if (
        status == 429
        or "policy expired" in message.lower()
        or code in ("RequestTimeout", "QpsLimitExceeded", "DownloadTrafficRateLimitExceeded")
    ):
        return RetryLater(*words)
    if code == "EntityTooLarge" or status == 413:
        return Rejected(*words)
    return OurFault(*words)
