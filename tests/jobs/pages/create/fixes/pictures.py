"""Pictures that need a fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from studio.files import file_store
from studio.models import Asset, Team, User

ClientOf = Callable[[User], Client]


HX: dict[str, Any] = {"headers": {"HX-Request": "true"}}


CROP = {
    "fix": "crop:image_url",
    "crop_left": "10",
    "crop_top": "20",
    "crop_width": "450",
    "crop_height": "500",
    "crop_angle": "0",
}


def kept(team: Team, by: User, name: str, data: bytes) -> Asset:
    return file_store.keep(SimpleUploadedFile(name, data), team=team, owner=by, name=name)[0]
