"""Clicks on a create page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from studio.models import User
from tests.html import parse

ClientOf = Callable[[User], Client]


HX: dict[str, Any] = {"headers": {"HX-Request": "true"}}


def key_in(html: str) -> str:
    return parse(html).one("#make [name=key]")["value"]


def toast(html: str) -> str:
    return " ".join(parse(html).texts("#toast"))


def undo_in(html: str) -> str:
    """Where the notice of the click takes it back."""
    return parse(html).one("#toast form[hx-post]")["hx-post"]
