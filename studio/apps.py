"""The app of who is here and with which files."""

from django.apps import AppConfig


class StudioConfig(AppConfig):
    name = "studio"
    verbose_name = "Studio"

    def ready(self) -> None:
        from studio.config import sqlite_wal

        sqlite_wal.connect(self)
