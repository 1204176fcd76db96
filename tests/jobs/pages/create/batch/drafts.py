"""Drafts of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from studio.models import Asset, User
from tests.html import parse

ClientOf = Callable[[User], Client]


HX: dict[str, Any] = {"headers": {"HX-Request": "true"}}


def draft(pictures: list[Asset], speeches: list[Asset], **more: Any) -> dict[str, Any]:
    return {
        "model": "emo-v1",
        "picture": [a.public_id for a in pictures],
        "speech": [a.public_id for a in speeches],
        **more,
    }


def cells(html: str) -> list[list[str]]:
    rows = [row for row in parse(html).all("tr") if row.has("th[scope=row]")]
    return [row.values("td", "data-cell") for row in rows]


def hidden(html: str, name: str) -> str:
    return parse(html).one(f"input[type=hidden][name={name}]")["value"]
