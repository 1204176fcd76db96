"""Speeches on a create page."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from studio.models import User
from tests.html import parse

ClientOf = Callable[[User], Client]


HEARD = {
    "seconds": 40.0,
    "lead": 2.1,
    "tail": 0.8,
    "pauses": [[10.0, 10.6], [20.0, 21.9]],
    "loudness_db": -17.4,
    "clipped": False,
}


def hidden(html: str, name: str) -> str:
    return parse(html).one(f"[name={name}]")["value"]


def quoted(html: str) -> str:
    return parse(html).one("#generate [data-price]").text
