"""Memory and temporary disk of a 200 MB upload through the raw door, and memory of a 50 MB video
that the outside fetches."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench import stage

if TYPE_CHECKING:
    from studio.models import User

BLOCK = 64 * 1024  # what uvicorn hands over at a time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--served", type=int, default=50)
    asked = parser.parse_args()
    with stage.site() as data_dir:
        from django.conf import settings

        from studio.models import Asset
        from tests import files

        team, owner, _ = stage.company()
        sent = data_dir / "sent"
        sent.mkdir()
        # The first of each kind loads decoders and views, which stay; only what a file adds is
        # measured.
        small = files.big_mp4(sent, 1, "small.mp4")
        assert _put(small, team.slug, owner)[0] == 201
        _fetch(Asset.objects.get(size=small.stat().st_size))

        big = files.big_mp4(sent, asked.megabytes)
        watch = stage.Watch(Path(settings.FILE_UPLOAD_TEMP_DIR))
        began = time.monotonic()
        status, _told = watch.run(lambda: _put(big, team.slug, owner))
        seconds = time.monotonic() - began
        assert status == 201, _told

        video = files.big_mp4(sent, asked.served, "video.mp4")
        assert _put(video, team.slug, owner)[0] == 201
        asset = Asset.objects.get(size=video.stat().st_size)
        serving = stage.Watch(Path(settings.FILE_UPLOAD_TEMP_DIR))
        got = serving.run(lambda: _fetch(asset))
        assert got == asset.size, f"{got} of {asset.size} bytes"

        stage.say(
            bench="upload",
            megabytes=asked.megabytes,
            upload_memory_mb=watch.memory / 1e6,
            upload_temporary_disk_ratio=watch.disk / big.stat().st_size,
            upload_s=seconds,
            left_in_temporary=len(list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())),
            served_megabytes=asked.served,
            serve_memory_mb=serving.memory / 1e6,
        )


def _put(path: Path, slug: str, user: User) -> tuple[int, Any]:
    """PUT the file in blocks straight into the door, as `user`."""
    from django.middleware.csrf import _get_new_csrf_string
    from django.test import Client

    from studio.files import uploads

    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    token, size = _get_new_csrf_string(), path.stat().st_size
    cookies = {name: morsel.value for name, morsel in client.cookies.items()} | {"csrftoken": token}
    sent = {
        "host": "localhost",
        "cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "x-csrftoken": token,
        "content-length": str(size),
    }
    scope = {
        "type": "http",
        "method": "PUT",
        "path": f"/upload/{slug}/",
        "query_string": f"name={path.name}".encode(),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "scheme": "http",
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 8000),
        "http_version": "1.1",
        "root_path": "",
    }
    blocks = _blocks(path, size)
    answer: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return next(blocks, {"type": "http.disconnect"})

    async def send(message: MutableMapping[str, Any]) -> None:
        answer.append(message)

    asyncio.run(uploads.application(scope, receive, send))
    return answer[0]["status"], json.loads(answer[1]["body"])


def _blocks(path: Path, size: int) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield {"type": "http.request", "body": block, "more_body": file.tell() < size}


def _fetch(asset: Any) -> int:
    """Read the file through its signed address, block by block; how many bytes came."""
    from urllib.parse import urlsplit

    from django.test import Client

    from studio.files import links

    response: Any = Client().get(
        urlsplit(links.public_url(asset)).path, headers={"host": "localhost"}
    )
    assert response.status_code == 200, response.status_code
    came = sum(len(block) for block in response.streaming_content)
    response.close()
    return came


if __name__ == "__main__":
    main()
