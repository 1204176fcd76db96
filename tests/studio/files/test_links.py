"""Addresses for the outside: signed, expiring, with ranges; and whether the outside reaches us at
all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.test import Client

from studio.config import storage
from studio.files import file_store, links, serving
from studio.models import Asset, Team, User
from tests import files, makers

DATA = bytes(range(256)) * 1024  # 256 kB: several blocks


def path_of(url: str) -> str:
    return urlsplit(url).path


@pytest.fixture
def video(team: Team) -> Asset:
    return makers.asset(team, "video", DATA)


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_a_signed_address_needs_no_sign_in(video: Asset, settings: Any) -> None:
    settings.PUBLIC_URL = "https://videos.example.com"
    url = links.public_url(video)
    assert url.startswith("https://videos.example.com/m/")
    assert url.endswith(".mp4")
    assert video.name not in url
    assert video.sha256 not in url
    response = Client().get(path_of(url))
    assert response.status_code == 200
    assert body(response) == DATA
    assert response["Content-Type"] == "video/mp4"
    assert response["Content-Length"] == str(len(DATA))
    assert response["Accept-Ranges"] == "bytes"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in response


def test_it_is_good_for_26_hours_and_not_longer(
    video: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, now = path_of(links.public_url(video)), time.time()
    monkeypatch.setattr(links.time, "time", lambda: now + 26 * 3600 - 60)
    assert Client().get(path).status_code == 200
    monkeypatch.setattr(links.time, "time", lambda: now + 26 * 3600 + 60)
    response = Client().get(path)
    assert response.status_code == 403
    assert "expired" in response.content.decode()


def test_a_wrong_address_is_no_address(video: Asset, team: Team) -> None:
    path = path_of(links.public_url(video))
    head, token, name = path.rsplit("/", 2)
    other = path_of(links.public_url(makers.asset(team, "video"))).rsplit("/", 1)[-1]
    unsigned = f"{video.public_id}-{int(time.time()) + 999:x}"
    for wrong in (
        f"{head}/{token[:-1]}x/{name}",
        f"{head}/{unsigned}/{name}",
        f"{head}/{unsigned}./{name}",
        f"{head}/{token}/{other}",
    ):
        assert Client().get(wrong).status_code == 404, wrong
    # The time is signed too.
    public_id, _, rest = token.partition("-")
    assert Client().get(f"{head}/{public_id}-f{rest}/{name}").status_code == 404
    assert Client().post(path).status_code == 405
    video.delete()
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=65530-65550", 65530, 65551),
        ("bytes=200000-", 200000, len(DATA)),
        ("bytes=-500", len(DATA) - 500, len(DATA)),
        (f"bytes=-{len(DATA) * 2}", 0, len(DATA)),
        ("bytes=262143-999999999", 262143, len(DATA)),
    ],
)
def test_ranges(video: Asset, header: str, start: int, stop: int) -> None:
    response = Client().get(path_of(links.public_url(video)), headers={"range": header})
    assert response.status_code == 206
    assert body(response) == DATA[start:stop]
    assert response["Content-Range"] == f"bytes {start}-{stop - 1}/{len(DATA)}"
    assert response["Content-Length"] == str(stop - start)


@pytest.mark.parametrize("header", ["bytes=262144-", "bytes=-0", f"bytes={'9' * 40}-"])
def test_a_range_behind_the_end_is_refused(video: Asset, header: str) -> None:
    response = Client().get(path_of(links.public_url(video)), headers={"range": header})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(DATA)}"


@pytest.mark.parametrize(
    "header",
    [
        "bytes=5-2",
        "bytes=-",
        "lines=1-2",
        "bytes=0-1,5-6",
        "bytes=a-b",
        "bytes=٣-٤".encode().decode("latin-1"),
    ],
)
def test_words_that_are_no_range_get_the_whole_file(video: Asset, header: str) -> None:
    response = Client().get(path_of(links.public_url(video)), headers={"range": header})
    assert response.status_code == 200
    assert body(response) == DATA


def test_head_etag_and_if_range(video: Asset) -> None:
    client, path = Client(), path_of(links.public_url(video))
    head = client.head(path, headers={"range": "bytes=0-9"})
    assert head.status_code == 200
    assert head["Content-Length"] == str(len(DATA))
    assert body(head) == b""
    etag = head["ETag"]
    unchanged = client.get(path, headers={"if-none-match": f'W/"other", {etag}'})
    assert unchanged.status_code == 304
    assert unchanged["ETag"] == etag
    assert unchanged.content == b""
    assert client.get(path, headers={"range": "bytes=0-9", "if-range": etag}).status_code == 206
    assert (
        client.get(path, headers={"range": "bytes=0-9", "if-range": '"older"'}).status_code == 200
    )


def test_files_go_out_in_blocks_and_are_closed(video: Asset) -> None:
    response = Client().get(path_of(links.public_url(video)))
    assert max(len(block) for block in response.streaming_content) <= 64 * 1024
    path = Path(video.file.path)
    waiting = Client().get(path_of(links.public_url(video)))
    waiting.close()
    assert not [
        fd for fd in Path("/proc/self/fd").iterdir() if fd.exists() and fd.resolve() == path
    ]


def test_a_row_whose_file_is_gone_is_a_404(video: Asset) -> None:
    path = path_of(links.public_url(video))
    Path(video.file.path).unlink()
    assert Client().get(path).status_code == 404


def test_an_open_range_can_be_cut_into_pieces() -> None:
    assert serving.byte_range("bytes=10-", 1000, piece=100) == (10, 110)
    assert serving.byte_range("bytes=950-", 1000, piece=100) == (950, 1000)
    assert serving.byte_range("bytes=10-899", 1000, piece=100) == (10, 900)
    assert serving.byte_range("bytes=-900", 1000, piece=100) == (100, 1000)
    with pytest.raises(serving.Unsatisfiable):
        serving.byte_range("bytes=0-", 0)


# ── who reaches whom ──────────────────────────────────────────────────────────────────────────────

CLOUD = "https://dashscope.aliyuncs.com/api/v1"


@pytest.mark.parametrize(
    ("ours", "theirs", "reached"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:9000/api/v1", True),
        ("http://localhost:8000", "http://[::1]:9000", True),
        ("http://127.0.0.1:8000", CLOUD, False),
        ("http://127.0.0.1:8000", "http://10.0.0.7:9000", False),
        ("http://10.0.0.5", "http://127.0.0.1:9000", True),
        ("http://192.168.1.5", "http://simulator:9000", True),
        ("http://192.168.1.5", CLOUD, False),
        ("http://footlight.lan", CLOUD, False),
        ("http://[fd00::1]", CLOUD, False),
        ("http://[::ffff:127.0.0.1]", CLOUD, False),
        ("http://100.64.0.9", CLOUD, False),
        ("https://[fec0::1]", CLOUD, False),
        ("https://[2002:7f00:1::]", CLOUD, False),
        ("https://[2002:7f00:1::]", "http://127.0.0.1:9000", True),
        ("https://169.254.169.254", CLOUD, False),
        ("https://[2606:2800:220:1::1]", CLOUD, True),
        ("https://videos.example.com", CLOUD, True),
        ("https://videos.example.com", "http://127.0.0.1:9000", True),
        ("https://8.8.8.8", CLOUD, True),
    ],
)
def test_nobody_reaches_what_is_nearer_to_us(
    settings: Any, ours: str, theirs: str, reached: bool
) -> None:
    settings.PUBLIC_URL = ours
    assert links.reachable_for(theirs) is reached
    settings.MEDIA_DELIVERY = "auto"
    assert links.delivery(theirs) == ("public" if reached else "temporary")


def test_delivery_can_be_decided_by_hand(settings: Any) -> None:
    settings.PUBLIC_URL, settings.MEDIA_DELIVERY = "http://127.0.0.1:8000", "public"
    assert links.delivery(CLOUD) == "public"
    settings.PUBLIC_URL, settings.MEDIA_DELIVERY = "https://videos.example.com", "temporary"
    assert links.delivery(CLOUD) == "temporary"


# ── a bucket instead of a disk ────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def s3_address() -> Iterator[str]:
    server = pytest.importorskip("moto.server").ThreadedMotoServer(
        ip_address="127.0.0.1", port=0, verbose=False
    )
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_address: str, settings: Any, tmp_path: Path) -> Any:
    boto3 = pytest.importorskip("boto3")
    maker = boto3.client(
        "s3",
        endpoint_url=s3_address,
        region_name="us-east-1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
    )
    name = f"videos-{tmp_path.name.lower().replace('_', '-')}"[:60].strip("-")
    maker.create_bucket(Bucket=name)
    settings.STORAGES = storage.storages(
        f"s3://k:s@{name}?endpoint={s3_address}&style=path&region=us-east-1", tmp_path
    )
    return name


@pytest.mark.usefixtures("bucket")
def test_a_bucket_keeps_serves_and_forgets(
    team: Team, owner: User, s3_address: str, tmp_path: Path
) -> None:
    data = files.mp4(1.0)
    path = files.write(tmp_path, "video.mp4", data)
    video, new = file_store.keep(path, team=team, owner=owner, name="video.mp4", origin="result")
    assert new
    assert not file_store.is_local()
    url = links.public_url(video)
    assert path_of(url).endswith(f"/{video.sha256}.mp4")
    assert url.startswith(s3_address)
    assert (
        int(dict(pair.split("=") for pair in urlsplit(url).query.split("&"))["X-Amz-Expires"])
        >= 26 * 3600
    )
    answer = requests.get(url, timeout=5)
    assert answer.status_code == 200
    assert answer.content == data
    assert answer.headers["Content-Type"] == "video/mp4"
    assert requests.get(url.split("?")[0], timeout=5).status_code == 403
    # Through this site: whole, in part, and as a local file for a while.
    assert b"".join(file_store.blocks(video.file.name, 0, video.size)) == data
    assert b"".join(file_store.blocks(video.file.name, 1000, 3000, size=512)) == data[1000:3000]
    with file_store.local_copy(video) as local:
        assert local.read_bytes() == data
    assert not local.exists()
    again, fresh = file_store.keep(path, team=team, owner=owner, name="again.mp4")
    assert again == video
    assert not fresh
    file_store.forget(video)
    assert requests.get(url, timeout=5).status_code == 404
    assert links.reach(links.files_at()) is links.Reach.MACHINE


@pytest.mark.usefixtures("bucket")
def test_members_see_files_of_a_bucket_through_this_site(
    team: Team, owner: User, client_of: Any, tmp_path: Path
) -> None:
    asset, _ = file_store.keep(
        files.write(tmp_path, "p.jpg", files.jpeg(500, 500)), team=team, owner=owner, name="p.jpg"
    )
    client = client_of(owner)
    with asset.file.open() as file:
        stored = file.read()
    part = client.get(
        f"/t/north/files/{asset.public_id}/original", headers={"range": "bytes=10-19"}
    )
    assert part.status_code == 206
    assert body(part) == stored[10:20]
    assert body(client.get(f"/t/north/files/{asset.public_id}/thumb"))[:4] == b"RIFF"


def test_a_bucket_without_an_endpoint_is_everywhere(settings: Any, tmp_path: Path) -> None:
    settings.STORAGES = storage.storages("s3://k:s@videos?region=eu-central-1", tmp_path)
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    assert links.delivery(CLOUD) == "public"
