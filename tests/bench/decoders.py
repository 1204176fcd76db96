"""Memory and processor time of the files that cost most, in a decoder, beside a plain decode of the
same picture; and four decoders that are kept at work.

`--busy SECONDS` only keeps decoders busy in this process, for benches of what goes on beside them:
`python -m tests.bench.decoders --busy 60`, or `busy(seconds)` from another bench.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.media.decoders.decoder import Decoder
from studio.media.decoders.limits import EDIT, LOOK, MEGABYTE, MEMORY_MB, Limits, Message
from tests import bombs
from tests.bench import stage

PREPARE = "studio.media.decoders.work:prepared"
PLAIN = "tests.bench.decoders:plain"
CROP = "studio.media.edits:edit_picture"
CUT = (100, 100, 5500, 7300)  # a portrait of 39 million pixels out of a square of 63


def plain(path: str) -> Message:
    """What Pillow does with a picture when nobody thinks of memory: all of it at once."""
    from PIL import Image

    with Image.open(path) as picture:
        picture.load()
        return {"size": picture.size}


def asked(decoder: Decoder, call: str, limits: Limits, **args: object) -> Message:
    """The answer of a decoder, with "seconds" of processor time, "rss" in bytes and "clock"."""
    request = {
        "call": call,
        "args": args,
        "processor": limits.processor,
        "clock": limits.clock,
        "memory": MEMORY_MB * MEGABYTE,
    }
    began = time.monotonic()
    answer = decoder.ask(request)
    return answer | {"clock": time.monotonic() - began}


def prepared(decoder: Decoder, path: Path) -> Message:
    with tempfile.TemporaryDirectory() as folder:
        return asked(decoder, PREPARE, LOOK, path=str(path), digest="", folder=folder, clean=True)


@contextmanager
def busy(decoders: int = 4) -> Iterator[None]:
    """So many decoders, each at work on one large picture after the other, until the end."""
    over = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.jpg"
        path.write_bytes(bombs.large_jpeg(orientation=6))

        def work() -> None:
            decoder = Decoder()
            while not over.is_set():
                prepared(decoder, path)
            decoder.close()

        threads = [threading.Thread(target=work) for _ in range(decoders)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()


def _figures(decoder: Decoder, folder: Path) -> dict[str, dict[str, object]]:
    """By name: megabytes, processor seconds, and for pictures the ratios to a plain decode."""
    found: dict[str, dict[str, object]] = {}
    for name, (maker, _words) in bombs.BOMBS.items():
        path = folder / name
        path.write_bytes(maker())
        runs = {name: prepared(decoder, path)}
        if name in ("large.jpg", "turned.jpg", "large.png"):
            runs[f"plain {name}"] = asked(decoder, PLAIN, LOOK, path=str(path))
            target = str(folder / "target")
            runs[f"crop of {name}"] = asked(
                decoder, CROP, EDIT, path=str(path), target=target, box=CUT, max_side=7000
            )
        base = runs.get(f"plain {name}")
        for label, run in runs.items():
            found[label] = {
                "end": run.get("ended") or run.get("code") or "done",
                "megabytes": round(run["rss"] / 1e6),
                "processor_s": round(run["seconds"], 2),
                "clock_s": round(run["clock"], 2),
            }
            if base is not None:
                found[label]["memory_ratio"] = round(run["rss"] / base["rss"], 2)
                found[label]["time_ratio"] = round(run["seconds"] / base["seconds"], 2)
        path.unlink()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--busy", type=float, metavar="SECONDS")
    parser.add_argument("--decoders", type=int, default=4)
    given = parser.parse_args()
    if given.busy:
        with busy(given.decoders):
            time.sleep(given.busy)
        return
    decoder = Decoder()
    with tempfile.TemporaryDirectory() as folder:
        stage.say(bench="decoders", files=_figures(decoder, Path(folder)))
    decoder.close()


if __name__ == "__main__":
    main()
