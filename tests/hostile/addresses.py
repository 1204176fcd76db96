"""Every address of the site, from its URL list, so that a new page is tried without a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern
from django.utils.regex_helper import normalize

PLACE = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")


@dataclass(frozen=True)
class Address:
    """`path` with {name} where something is put in, without the first slash; `names` in order."""

    name: str
    path: str
    names: tuple[str, ...]
    entry: URLPattern

    def at(self, **values: object) -> str:
        """The path with `values`, as they are: whoever wants them quoted quotes them."""
        return "/" + self.path.format(**values)


def every_address() -> list[Address]:
    return list(_walk(get_resolver(), "", (), ""))


def _walk(
    resolver: URLResolver, prefix: str, names: tuple[str, ...], space: str
) -> Iterator[Address]:
    for entry in resolver.url_patterns:
        for path, own in _written(entry.pattern):
            if isinstance(entry, URLResolver):
                inner = f"{space}{entry.namespace}:" if entry.namespace else space
                yield from _walk(entry, prefix + path, names + own, inner)
            else:
                yield Address(f"{space}{entry.name}", prefix + path, names + own, entry)


def _written(
    pattern: RoutePattern | RegexPattern | LocalePrefixPattern,
) -> list[tuple[str, tuple[str, ...]]]:
    """How the addresses of `pattern` are written."""
    if isinstance(pattern, RoutePattern):
        route = str(pattern)
        names = tuple(found["name"] for found in PLACE.finditer(route))
        return [(PLACE.sub(lambda found: "{" + found["name"] + "}", route), names)]
    return [
        (re.sub(r"%\((\w+)\)s", r"{\1}", path), tuple(names))
        for path, names in normalize(pattern.regex.pattern)
    ]
