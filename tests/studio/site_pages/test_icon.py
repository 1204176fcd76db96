"""Browsers ask for /favicon.ico whatever a page says."""

from __future__ import annotations

import io

from django.test import Client
from PIL import Image


def test_anybody_gets_the_icon() -> None:
    answer = Client().get("/favicon.ico")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/x-icon"
    assert "max-age=86400" in answer["Cache-Control"]
    icon = Image.open(io.BytesIO(b"".join(answer.streaming_content)))
    assert icon.info["sizes"] == {(16, 16), (32, 32), (48, 48)}
