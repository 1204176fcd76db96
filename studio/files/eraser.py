"""Erasing files for ever, without the time in the trash: of somebody who leaves, or is erased. What
jobs know of a file goes with it, so it is done by whom `settings.FILE_ERASER` names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from studio.models import Asset, User


class Eraser(Protocol):
    def __call__(self, assets: Iterable[Asset], by: User | None, reason: str) -> int:
        """Erase `assets` for `reason` (of `Deletion.Reason`), a video with its job; returns how
        many are erased. What a job under way needs stays."""
        ...


def erase(assets: Iterable[Asset], by: User | None, reason: str) -> int:
    eraser: Eraser = import_string(settings.FILE_ERASER)
    return eraser(assets, by, reason)
