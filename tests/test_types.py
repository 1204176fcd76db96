"""How often the types say nothing: `Any`, casts and ignored errors are counted, and the numbers
only fall."""

from __future__ import annotations

import io
import tokenize
from collections import Counter
from pathlib import Path

from tests.test_house import SOURCES

# Lower a number when you have removed some; none is raised.
STARTS = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
MOST = {"Any": 452, "cast": 7, "type: ignore": 26}


def loose(path: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    importing, starts = False, True
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if starts and token.string in ("from", "import"):
            importing = True
        elif token.type == tokenize.NEWLINE:
            importing = False
        elif token.type == tokenize.NAME and token.string in ("Any", "cast") and not importing:
            found[token.string] += 1
        elif token.type == tokenize.COMMENT and "type: ignore" in token.string:
            found["type: ignore"] += 1
        starts = token.type in STARTS or (starts and token.type == tokenize.COMMENT)
    return found


def test_types_say_ever_more() -> None:
    found: Counter[str] = Counter()
    for path in SOURCES:
        found += loose(path)
    assert all(found[name] <= most for name, most in MOST.items()), dict(found)


def test_what_is_loose_is_found(tmp_path: Path) -> None:
    source = tmp_path / "one.py"
    source.write_text(
        "from typing import Any, cast\nx: Any = cast(Any, 1)  # type: ignore[assignment]\n"
    )
    assert loose(source) == {"Any": 2, "cast": 1, "type: ignore": 1}
