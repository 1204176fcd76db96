"""What the documents and the code say of each other: a citation has its heading, a link its target,
a path its file, and no reference leads out of the repository."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = ("jobs", "studio", "tests", "templates", "static")
TEXT = {".py", ".html", ".txt", ".css", ".js", ".svg", ".md"}
FOLDERS = (*CODE, "docs")
ROOT_FILES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "pyproject.toml", ".ci/run")


def files(folders: tuple[str, ...]) -> list[Path]:
    """Text files below `folders`, this one left out: it holds the patterns as examples."""
    found = [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in TEXT and path.is_file() and path != Path(__file__).resolve()
    ]
    assert found
    return found


DOCUMENTS = [path for path in files(FOLDERS) if path.suffix == ".md"]
DOCUMENTS += [ROOT / name for name in ROOT_FILES if name.endswith(".md") and (ROOT / name).exists()]
EVERYTHING = [*files(FOLDERS), *(ROOT / name for name in ROOT_FILES if (ROOT / name).exists())]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def document(name: str) -> str:
    return (ROOT / name).read_text()


def prose(path: Path) -> str:
    """The text of `path` with comments and docstrings unwrapped, so that what a line break parts is
    read as one."""
    return re.sub(r"\s*\n\s*(?:#|//|\*)?\s*", " ", path.read_text())


def without_fences(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def anchors(text: str) -> set[str]:
    """The anchors of a Markdown text's headings, made the way that GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} (.+)$", without_fences(text), re.M):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = base = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 0
        while slug in found:
            number += 1
            slug = f"{base}-{number}"
        found.add(slug)
    return found


# ── the contract ──────────────────────────────────────────────────────────────────────────────────

SECTION = r"§\d+(?:\.\d+)*"
CITATION = re.compile(rf"\bCONTRACT\b(?P<sections>(?:,? (?:to |and |or )?{SECTION})*)")


def sections() -> set[str]:
    return set(re.findall(r"^#{2,3} (\d+(?:\.\d+)*)\.? ", document("docs/contract.md"), re.M))


def citations(text: str) -> list[list[str]]:
    """The sections of every citation: ["§2", "§6"]; an empty list where it names none."""
    return [re.findall(SECTION, found["sections"]) for found in CITATION.finditer(text)]


def wrong_citations(text: str, headings: set[str]) -> list[str]:
    """What the citations of `text` say that docs/contract.md, which has `headings`, does not."""
    found = []
    for cited in citations(text):
        missing = {section[1:] for section in cited} - headings
        found += [f"no section {name}" for name in sorted(missing)]
        found += [] if cited else ["CONTRACT without a section (“CONTRACT §8.2”)"]
    return found


def test_every_citation_of_the_contract_has_its_heading() -> None:
    headings = sections()
    assert [
        f"{name_of(path)}: {wrong}"
        for path in files(CODE)
        for wrong in wrong_citations(prose(path), headings)
    ] == []


def test_a_wrong_citation_is_found() -> None:
    headings = {"2", "8.2"}
    assert wrong_citations("as CONTRACT §2, §8.2 say", headings) == []
    assert wrong_citations("as CONTRACT §2 and §9.1 say", headings) == ["no section 9.1"]
    assert len(wrong_citations("as CONTRACT says", headings)) == 1


def test_citations_are_found_at_all() -> None:
    """The pattern reads lists, ranges and citations that a line break parts."""
    cited = [one for path in files(CODE) for one in citations(prose(path))]
    assert len(cited) >= 50
    assert ["§2", "§6", "§13"] in cited
    assert ["§2", "§11.1"] in cited


def test_sections_of_the_contract_are_in_order_and_name_only_sections_that_exist() -> None:
    text = document("docs/contract.md")
    numbers = re.findall(r"^## (\d+)\. ", text, re.M)
    assert numbers == [str(number) for number in range(len(numbers))]
    assert {section[1:] for section in re.findall(SECTION, text)} <= sections()


# ── references ────────────────────────────────────────────────────────────────────────────────────

OUTSIDE = re.compile(
    r"(?<![.\w])(?:DESIGN|HOUSE|STACK|USERS|EXAMPLES)(?:\.md|\s*§|:\s)"  # plans, not documents
    r"|\bthe seeds\b|\bthe seed['’]s\b|\bseed documents?\b|\bissue \d+\b"
)


def test_no_reference_leads_out_of_the_repository() -> None:
    assert [
        f"{name_of(path)}: {found[0]}"
        for path in EVERYTHING
        for found in OUTSIDE.finditer(prose(path))
    ] == [], "see docs/ instead"


@pytest.mark.parametrize(
    "text", ["see DESIGN.md", "STACK §3", "as USERS: says", "the seed’s list", "after issue 12"]
)
def test_a_reference_out_of_the_repository_is_found(text: str) -> None:
    assert OUTSIDE.search(text)
    assert not OUTSIDE.search("the design of docs/architecture.md, a tissue 12 cm wide")


PATHS = re.compile(
    r"(?<![\w/.{-])((?:jobs|studio|tests|templates|static|docs)/[\w/.-]*\w\.(?:py|css|js|md|webp))\b"
    r"(?:#([\w-]+))?"
)


def named_without_being(text: str) -> list[str]:
    """Files of ours that `text` names and that are not there, or not with the heading."""
    found = []
    for name, anchor in PATHS.findall(text):
        if not (ROOT / name).is_file():
            found.append(name)
        elif anchor and anchor not in anchors(document(name)):
            found.append(f"{name}#{anchor}")
    return found


def test_every_file_that_is_named_exists() -> None:
    assert [
        f"{name_of(path)} names {name}"
        for path in EVERYTHING
        for name in named_without_being(path.read_text())
    ] == []


def test_a_file_that_is_not_there_is_found() -> None:
    assert named_without_being("see docs/contract.md and jobs/urls.py") == []
    gone, headless = "jobs/" + "gone.py", "docs/contract.md#" + "nowhere"
    assert named_without_being(f"see {gone} and {headless}") == [gone, headless]


def links(text: str) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", without_fences(text))):
        if not re.match(r"https?://|mailto:", target):
            yield target


def dead_links(path: Path, text: str) -> list[str]:
    """Links in `text`, which stands at `path`, that lead nowhere, outside or to no heading."""
    found = []
    for target in links(text):
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        inside = file.is_relative_to(ROOT) and file.exists()
        if not inside or (
            anchor and anchor not in anchors(text if file == path else file.read_text())
        ):
            found.append(target)
    return found


def test_every_link_has_its_target() -> None:
    assert [
        f"{name_of(path)}: {target}"
        for path in DOCUMENTS
        for target in dead_links(path, path.read_text())
    ] == []


def test_a_dead_link_is_found() -> None:
    page = ROOT / "docs" / "operations.md"
    assert dead_links(page, "# Here\n[1](contract.md) [2](#here) [3](https://example.com)") == []
    dead = ["gone.md", "#there", "contract.md#nowhere", "../../etc/passwd"]
    assert dead_links(page, "# Here\n" + " ".join(f"[x]({target})" for target in dead)) == dead


# ── what the documents must name ──────────────────────────────────────────────────────────────────


def test_readme_is_short_and_has_the_two_commands() -> None:
    """`.ci/run` takes the commands from there by heading."""
    text = document("README.md")
    assert len(text.splitlines()) <= 170
    for heading, word in (("Run", "manage.py demo"), ("Test", "pytest")):
        section = re.findall(rf"^## {heading}\n(.*?)(?=^## )", text, re.M | re.S)
        assert len(section) == 1
        blocks = re.findall(r"^```sh\n(.*?)^```$", section[0], re.M | re.S)
        assert len(blocks) == 1
        assert re.fullmatch(rf"[^\n]+ && .*{word}.*\n", blocks[0])


def commands() -> set[str]:
    return {
        path.stem
        for app in ("jobs", "studio")
        for path in (ROOT / app / "management" / "commands").glob("*.py")
        if not path.stem.startswith("_")
    }


def test_every_command_is_in_operations() -> None:
    listed = set(re.findall(r"^\| `(\w+)[ `]", document("docs/operations.md"), re.M))
    assert commands() <= listed


DJANGO = {"migrate", "makemigrations", "createsuperuser", "check", "shell"}


def unknown_commands(text: str) -> list[str]:
    return sorted(set(re.findall(r"manage\.py ([a-z]\w*)", text)) - commands() - DJANGO)


def test_every_command_that_is_named_exists() -> None:
    assert [
        f"{name_of(path)}: {name}"
        for path in DOCUMENTS
        for name in unknown_commands(path.read_text())
    ] == []


def test_a_command_that_is_not_there_is_found() -> None:
    assert unknown_commands("`manage.py dev`, manage.py migrate, manage.py fly") == ["fly"]


def test_every_variable_that_is_named_exists() -> None:
    """Names in backticks that look like a variable of ours, in the documents for who runs it."""
    known = set(re.findall(r"^\| `([A-Z_]+)` \|", document("docs/operations.md"), re.M))
    text = document("README.md") + document("docs/operations.md")
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)[`=]", text))
    assert named - {"STATIC_ROOT", "LANGUAGE_CODE"} - known == set()


# ── wings ─────────────────────────────────────────────────────────────────────────────────────────


def packages() -> list[Path]:
    """Every package of ours, the two at the top included, migrations left out."""
    return sorted(
        path.parent.relative_to(ROOT)
        for app in ("jobs", "studio")
        for path in (ROOT / app).rglob("__init__.py")
        if "migrations" not in path.parts
    )


def is_wing(path: Path) -> bool:
    """A folder of jobs or studio, or one of jobs/pages."""
    inside_pages = path.parts[:2] == ("jobs", "pages") and len(path.parts) == 3
    return len(path.parts) == 2 or inside_pages


def wings() -> list[str]:
    """The wings in the order of the table in docs/architecture.md."""
    return re.findall(r"^\| `((?:jobs|studio)/[\w/]+)` \|", document("docs/architecture.md"), re.M)


def test_architecture_names_every_wing() -> None:
    named = wings()
    assert len(named) == len(set(named))
    assert set(named) == {str(path) for path in packages() if is_wing(path)}


def unsaid(path: Path, text: str) -> list[str]:
    """What the package `path` with `text` in its __init__.py leaves unsaid."""
    said = ast.get_docstring(ast.parse(text)) or ""
    if not said:
        return [f"{path} does not say what it is for"]
    if is_wing(path) and not re.search(r"\bMay\s+import\b", said):
        return [f"{path} does not say what it may import"]
    return []


def test_every_package_says_what_it_is_for_and_a_wing_what_it_may_import() -> None:
    found = packages()
    assert [
        one for path in found for one in unsaid(path, (ROOT / path / "__init__.py").read_text())
    ] == []


def test_a_package_that_says_nothing_is_found() -> None:
    wing, inner = Path("jobs/engine"), Path("jobs/engine/archive")
    assert len(unsaid(inner, "x = 1")) == len(unsaid(wing, '"""Moves jobs."""')) == 1
    assert unsaid(inner, '"""Stores videos."""') == []
    assert unsaid(wing, '"""Moves jobs. May\nimport models."""') == []


def test_wings_stand_in_the_order_of_the_import_rules() -> None:
    """A wing of the table imports what stands below it, as the layers of pyproject.toml say."""
    linter = tomllib.loads(document("pyproject.toml"))["tool"]["importlinter"]
    order = wings()
    checked = 0
    for contract in linter["contracts"]:
        for container in contract.get("containers", ()):
            levels = [
                [f"{container}.{name}".replace(".", "/") for name in re.findall(r"\w+", layer)]
                for layer in contract["layers"]
            ]
            places = [[order.index(name) for name in level if name in order] for level in levels]
            places = [level for level in places if level]
            assert all(max(a) < min(b) for a, b in pairwise(places)), container
            checked += 1
    assert checked >= 3


# ── decisions ─────────────────────────────────────────────────────────────────────────────────────


def test_decisions_are_short_and_in_the_list() -> None:
    index = document("docs/decisions/README.md")
    for path in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")):
        title, *rest = path.read_text().splitlines()
        number = int(path.name[:4])
        assert re.fullmatch(rf"# {number}\. .+", title), path.name
        assert len(rest) < 60, f"{path.name}: at most 60 lines"
        assert [line[3:] for line in rest if line.startswith("## ")] == [
            "Context",
            "Decision",
            "Consequences",
        ], path.name
        assert f"- [{title[2:]}]({path.name})" in index, f"{path.name} is not in the list"
