"""What the intake says of every file in a folder: `python -m tests.intake.corpus DIR…`.

Prints a line a file (verdict, seconds it took, megabytes that the process grew by) and at the end
one line of JSON with the counts. Each file is probed, cleaned, compared and given its small picture
or its waveform in a process of its own, so that a crash is a verdict and not the end.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

SECONDS = 120  # that one file may take


def look_at(path: str, folder: str, answers: Any) -> None:
    """Put (verdict, sentence, seconds, MB) for one file into `answers`."""
    from studio.media import (
        MediaError,
        normalise_image,
        peaks,
        probe,
        strip_av_metadata,
        thumbnail,
    )

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    target = Path(folder) / "copy"
    try:
        facts = probe(path)
        clean = normalise_image if facts.kind == "image" else strip_av_metadata
        kept = clean(path, facts, target)
        if facts.kind == "audio":
            peaks(target)
        else:
            thumbnail(target, kept, Path(folder) / "small")
        verdict, said = f"taken as {kept.format}", f"{kept.kind} of {facts.format}"
    except MediaError as error:
        verdict, said = error.code, str(error.sentence)
    spent = time.monotonic() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    answers.put((verdict, said, spent, grown / 1024))


def verdict_of(path: Path) -> tuple[str, str, float, float]:
    """The same for one file, in a process of its own; "crash" and "too slow" are verdicts too."""
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=look_at, args=(str(path), folder, answers))
        began = time.monotonic()
        process.start()
        while process.is_alive() and answers.empty() and time.monotonic() - began < SECONDS:
            process.join(0.01)
        if not answers.empty():
            answer: tuple[str, str, float, float] = answers.get()
            process.join()
            return answer
        alive = process.is_alive()
        process.kill()
        process.join()
        spent = time.monotonic() - began
        return ("too slow" if alive else "crash"), f"exit code {process.exitcode}", spent, 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="+", type=Path)
    given = parser.parse_args()
    import studio.media  # noqa: F401  # once, and not in each process

    counts: Counter[str] = Counter()
    slowest, largest = (0.0, ""), (0.0, "")
    began = time.monotonic()
    for path in sorted(one for folder in given.folder for one in folder.rglob("*")):
        if not path.is_file():
            continue
        verdict, said, spent, grown = verdict_of(path)
        counts[verdict] += 1
        slowest, largest = max(slowest, (spent, path.name)), max(largest, (grown, path.name))
        print(f"{verdict:20} {spent:7.2f} s {grown:7.1f} MB  {path.name}: {said}")
    figures = {
        "files": sum(counts.values()),
        "verdicts": dict(counts.most_common()),
        "seconds": round(time.monotonic() - began, 1),
        "slowest": [round(slowest[0], 2), slowest[1]],
        "largest_mb": [round(largest[0], 1), largest[1]],
    }
    print(json.dumps(figures))
    return 1 if counts["crash"] or counts["too slow"] else 0


if __name__ == "__main__":
    sys.exit(main())
