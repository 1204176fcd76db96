"""Searching in names: every word of what was typed must be there, in any order."""

from __future__ import annotations

from django.db.models import Q


def words_in(column: str, text: str) -> Q:
    """The rows whose `column` holds each word of `text`, however large its letters are; all rows
    when it has none."""
    found = Q()
    for word in text.split():
        found &= Q(**{f"{column}__icontains": word})
    return found


def holds_words(name: str, text: str) -> bool:
    """`words_in` for a name that is loaded already."""
    name = name.casefold()
    return all(word in name for word in text.casefold().split())
