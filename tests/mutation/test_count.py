"""What counts as a change of text, and what as a change of code."""

from __future__ import annotations

import pytest

from tests.mutation.count import Change, changed_lines, changes, is_text, table

BEFORE = '''
def f(job):
    """What it does."""
    log.info("job %s", job.pk)
    if job.tries > 3:
        raise Moved(f"{job} is gone")
    said = phrase("%(n)s s left", n=3)
    found = cast(Job, job.of("team"))
    return move(job, said, code="x")
'''


@pytest.mark.parametrize(
    ("what", "instead", "text"),
    [
        ("What it does.", "XXWhat it does.XX", True),
        ("log.info(", "log.info(None, ", True),
        ('f"{job} is gone"', "None", True),
        ("%(n)s s left", "XX", True),
        ("n=3", "n=None", True),
        ("cast(Job,", "cast(None,", True),
        ("> 3", ">= 3", False),
        ("> 3", "> 4", False),
        ("raise Moved", "raise Refused", False),
        ('"team"', '"XXteamXX"', False),
        ('code="x"', "code=None", False),
        ("job, said", "job, None", False),
        ('cast(Job, job.of("team"))', "None", False),
    ],
)
def test_what_is_text(what: str, instead: str, text: bool) -> None:
    after = BEFORE.replace(what, instead).replace("def f(", "def f_1(")
    assert after != BEFORE
    assert is_text(BEFORE, after) is text


def test_lines_are_those_that_changed() -> None:
    after = BEFORE.replace("> 3", ">= 3").replace("def f(", "def f_1(")
    assert changed_lines(BEFORE, after) == ["- if job.tries > 3:", "+ if job.tries >= 3:"]


def code(*bodies: str) -> str:
    names = ["x_f__mutmut_orig", *(f"x_f__mutmut_{n}" for n in range(1, len(bodies)))]
    return "\n".join(f"def {name}():\n    {body}" for name, body in zip(names, bodies, strict=True))


def test_a_change_is_known_by_what_it_does_and_not_by_its_number() -> None:
    one, two = code("return 1", "return 2"), code("return 1", "return 3", "return 2")
    (first,) = changes("jobs/billing/ledger.py", one, ["x_f__mutmut_1"])
    _other, same = changes("jobs/billing/ledger.py", two, ["x_f__mutmut_1", "x_f__mutmut_2"])
    assert (first.name, same.name) == (
        "jobs.billing.ledger.x_f__mutmut_1",
        "jobs.billing.ledger.x_f__mutmut_2",
    )
    assert first.digest == same.digest
    (elsewhere,) = changes("jobs/billing/budget.py", one, ["x_f__mutmut_1"])
    (since_changed,) = changes(
        "jobs/billing/ledger.py", code("return 9", "return 2"), ["x_f__mutmut_1"]
    )
    assert len({first.digest, elsewhere.digest, since_changed.digest}) == 3


def test_the_score_leaves_text_and_what_was_not_tried_out() -> None:
    found = [
        Change(n, "jobs/billing/ledger.py", n, n == "t", []) for n in ("k", "s", "u", "t", "o", "n")
    ]
    rows = table(found, {"k": 1, "s": 0, "t": 0, "o": 36, "n": 33})
    assert rows[0].startswith("jobs/billing/ledger.py")
    for row in rows:
        assert "code:    2 of    4 noticed  50.0 %, 1 not tried; text: 1" in row
