"""What the tests of service stand on."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator

import pytest
from PIL import Image

from jobs.simulator import Simulator
from tests.jobs.simulator.service.caller import (
    SAMPLES,
    Files,
    tone,
)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a folder with the samples and a few bad files."""
    folder = tmp_path_factory.mktemp("files")
    for file in SAMPLES.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "short.wav").write_bytes(tone(0.5))
    (folder / "long.wav").write_bytes(tone(61.0, rate=4000))
    (folder / "text.png").write_text("no picture")
    Image.new("RGB", (300, 300), "red").save(folder / "small.png")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Files, directory=str(folder))
    )
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    ).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """A fast service whose tasks would take hours: what is first in a lane stays RUNNING."""
    with Simulator(
        speed=200, work_per_second=1e7, keys={"sk-one": "acme", "sk-two": "acme"}
    ) as simulator:
        yield simulator
