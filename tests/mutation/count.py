"""What became of each change of a mutation run, with changes of code apart from those of text.

A change of text alters nothing but what is read: a sentence, a log line, the words of an exception,
a docstring, the type of a cast. It stays in the count of all, and out of the score.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SENTENCES = {"phrase", "plural_phrase", "_", "ngettext"}
LOGS = {"debug", "info", "warning", "error", "exception"}
MISSED = {0, 33}  # what the plugin notes of a change that no test noticed, or none reached


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one function, as mutmut names it. `digest` names it by what it does."""

    name: str
    module: str
    digest: str
    is_text: bool
    lines: list[str]  # what was taken out and put in

    def missed(self, kept: dict[str, int]) -> bool:
        return kept.get(self.digest) in MISSED


class _WithoutText(ast.NodeTransformer):
    """Replaces what is only read by one and the same constant."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Constant) or _is_log(node.value):
            return ast.Pass()
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id in SENTENCES:
            return ast.Constant("a sentence")
        if isinstance(node.func, ast.Name) and node.func.id == "cast" and node.args:
            node.args[0] = ast.Constant("a type")
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call) and all(_is_text(word) for word in node.exc.args):
            node.exc.args = []
        return self.generic_visit(node)


def _is_log(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LOGS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "log"
    )


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str))
    )


def _meaning(source: str) -> str:
    """The function without its name and its text."""
    tree = ast.parse(source)
    function = tree.body[0]
    if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        function.name = "f"
    return ast.dump(_WithoutText().visit(tree))


def is_text(before: str, after: str) -> bool:
    """Whether two sources of one function differ in nothing but text."""
    return _meaning(before) == _meaning(after)


def changed_lines(before: str, after: str) -> list[str]:
    """What `after` takes out of `before` and puts in, without the line that names the function."""
    lines = difflib.unified_diff(_body(before), _body(after), n=0, lineterm="")
    return [
        f"{line[0]} {line[1:].strip()}"
        for line in lines
        if not line.startswith(("---", "+++", "@@"))
    ]


def _body(source: str) -> list[str]:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.name = "f"
            break
    return ast.unparse(tree).splitlines()


def changes(module: str, code: str, names: Iterable[str]) -> Iterator[Change]:
    """The changes that mutmut made in `module`, whose changed text is `code`."""
    functions = {
        node.name: ast.unparse(node)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    dotted = module.removesuffix(".py").replace("/", ".")
    for name in names:
        before, after = functions[f"{name.rsplit('_', 1)[0]}_orig"], functions[name]
        what = "\n".join((module, *_body(before), *_body(after)))
        yield Change(
            f"{dotted}.{name}",
            module,
            hashlib.sha256(what.encode()).hexdigest()[:20],
            is_text(before, after),
            changed_lines(before, after),
        )


def table(found: list[Change], kept: dict[str, int]) -> list[str]:
    """A line for each module and one for all: changes of code that were noticed of those tried;
    what was not tried."""
    rows = []
    for module in [*sorted({one.module for one in found}), "all"]:
        mine = [one for one in found if module in (one.module, "all") and not one.is_text]
        texts = sum(one.is_text for one in found if module in (one.module, "all"))
        tried = [one for one in mine if one.digest in kept]
        noticed = sum(not one.missed(kept) for one in tried)
        share = f"{100 * noticed / len(tried):.1f} %" if tried else "–"
        rows.append(
            f"{module:36} code: {noticed:4} of {len(tried):4} noticed {share:>7}, "
            f"{len(mine) - len(tried)} not tried; text: {texts}"
        )
    return rows
