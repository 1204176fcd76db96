"""Every file of tests/bombs.py at once through the upload door, each from a person of its own, and
an honest visitor beside them. One JSON line: what was answered to each, and the visitor's times.

    python -m tests.hostile.bombs               # all; minutes
    python -m tests.hostile.bombs --only day.flac night.mp3
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

from tests import bombs
from tests.bench import stage
from tests.hostile.site import Target, target, visit

PATIENCE = 300  # seconds for one answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=list(bombs.BOMBS), choices=list(bombs.BOMBS))
    parser.add_argument("--seconds", type=float, default=10.0, help="of the visitor alone")
    options = parser.parse_args()
    made = {name: bombs.BOMBS[name][0]() for name in options.only}
    with target(people=len(made) + 1) as site:
        visit(site, 2)
        alone = visit(site, options.seconds)
        with ThreadPoolExecutor(len(made)) as people:
            answers = {
                name: people.submit(put, site, number, name, data)
                for number, (name, data) in enumerate(made.items(), 1)
            }
            time.sleep(1)
            beside = visit(site, options.seconds)
            told = {name: one.result() for name, one in answers.items()}
        stage.say(
            attack="bombs",
            answers={name: f"{status} {said}" for name, (status, said) in told.items()},
            as_expected=all(fits(name, *one) for name, one in told.items()),
            p95_alone=alone["p95"],
            p95=beside["p95"],
            healthz_max=beside["healthz_max"],
            wrong=beside["wrong"],
            memory_mb=site.memory,
        )


def put(site: Target, person: int, name: str, data: bytes) -> tuple[int, str]:
    """The status and the sentence that person number `person` gets for the file."""
    cookie = site.cookies[person]
    token = re.search(r"csrftoken=(\w+)", cookie)
    assert token
    line = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)
    headers = {"Cookie": cookie, "X-CSRFToken": token[1]}
    line.request("PUT", f"{site.paths['upload']}?name={name}", body=data, headers=headers)
    answer = line.getresponse()
    said = json.loads(answer.read())
    line.close()
    return answer.status, said.get("error", "")


def fits(name: str, status: int, said: str) -> bool:
    """Whether the answer is the one that tests/bombs.py names: taken, or refused in its words."""
    words = bombs.BOMBS[name][1]
    return words in said and 400 <= status < 500 if words else status in (200, 201)


if __name__ == "__main__":
    main()
