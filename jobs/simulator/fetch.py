"""How the service gets the media of a request: it downloads public addresses and resolves its own
`oss://` ones (CONTRACT §1, §9).

Limits of the stand-in: 200 MiB and a little, 10 s of silence, 60 s in all, http and https, no
proxy.
"""

from __future__ import annotations

import http.client
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from jobs.catalogue.limits import MIB
from jobs.simulator.answers import OSS_UNREAD, OSS_WRONG, Refusal
from jobs.simulator.database import Database, now_ms

LARGEST = 220 * MIB
SILENCE_SECONDS = 10.0
WHOLE_SECONDS = 60.0
UPLOAD_LIFE_MS = 48 * 3_600_000

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def check_address(url: Any, field: str) -> None:
    """Refuse an address that can be seen to be wrong without asking for it."""
    if url is None:
        raise Refusal(400, "InvalidParameter", f"Field required: input.{field}")
    if not isinstance(url, str) or not url.strip():
        raise Refusal(400, "InvalidURL")
    try:
        parts = urlsplit(url)
        fine = (
            parts.scheme in ("http", "https", "oss")
            and bool(parts.netloc)
            and url.isascii()
            and not any(c.isspace() for c in url)
        )
    except ValueError:
        fine = False
    if not fine:
        raise Refusal(400, "InvalidURL", "Invalid URL provided in your request.")


def check_upload(url: str, *, resolve: bool, database: Database, account: str, model: str) -> None:
    """Refuse an `oss://` address without the header that asks to resolve it, or one that was not
    uploaded by this account for this model in the last 48 h. Other addresses pass."""
    if not url.startswith("oss://"):
        return
    if not resolve:
        raise Refusal(400, "InvalidParameter.DataInspection", OSS_UNREAD)
    upload = database.upload(url.removeprefix("oss://"))
    if (
        upload is None
        or now_ms() - upload.created_ms >= UPLOAD_LIFE_MS
        or (upload.account, upload.model) != (account, model)
    ):
        raise Refusal(400, "invalid_parameter_error", OSS_WRONG)


def download_input(url: str, kind: str, to: Path, *, database: Database) -> None:
    """Put the bytes behind `url` into the file `to`. The host must say Content-Type (of `kind`) and
    Content-Length.

    Raises Refusal with the documented download errors.
    """
    part = to.with_suffix(".part")
    if url.startswith("oss://"):
        upload = database.upload(url.removeprefix("oss://"))
        if upload is None or not Path(upload.file).is_file():
            raise Refusal(400, "invalid_parameter_error", OSS_WRONG)
        shutil.copyfile(upload.file, part)
    else:
        _download(url, kind, part)
    part.replace(to)


def _download(url: str, kind: str, to: Path) -> None:
    host = urlsplit(url).netloc
    late = Refusal(
        400, "InvalidURL.Timeout", f"Download {url} timeout, please check network connection."
    )
    try:
        with _opener.open(
            urllib.request.Request(url, headers={"User-Agent": "model-studio-simulator"}),
            timeout=SILENCE_SECONDS,
        ) as answer:
            length = answer.headers.get("Content-Length", "")
            said = answer.headers.get("Content-Type", "").split("/")[0].strip().lower()
            if not length.isdigit() or said != kind:
                raise Refusal(400, "InvalidParameter.DataInspection")
            if int(length) > LARGEST:
                raise Refusal(400, "BadRequest.TooLarge", "Payload Too Large.")
            if _copy(answer, to, int(length)) != int(length):
                raise Refusal(400, "InvalidParameter.DataInspection")
    except urllib.error.HTTPError as error:
        error.close()
        raise Refusal(400, "InvalidParameter.DataInspection") from None
    except TimeoutError:
        raise late from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise late from None
        if isinstance(error.reason, ConnectionRefusedError):
            raise Refusal(
                400,
                "InvalidURL.ConnectionRefused",
                f"Connection to {host} refused, please provide available URL.",
            ) from None
        raise Refusal(400, "InvalidParameter.DataInspection") from None
    except (OSError, http.client.HTTPException, ValueError):
        raise Refusal(400, "InvalidParameter.DataInspection") from None


def _copy(answer: IO[bytes], to: Path, length: int) -> int:
    """Copy at most `length` bytes; returns how many came. Raises TimeoutError after
    WHOLE_SECONDS."""
    ends = time.monotonic() + WHOLE_SECONDS
    done = 0
    with to.open("wb") as file:
        while done < length and (chunk := answer.read(min(65_536, length - done))):
            file.write(chunk)
            done += len(chunk)
            if time.monotonic() > ends:
                raise TimeoutError
    return done
