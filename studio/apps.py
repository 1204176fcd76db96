"""The app of who is here and with which files."""

from django.apps import AppConfig


class StudioConfig(AppConfig):
    name = "studio"
    verbose_name = "Studio"

    def ready(self) -> None:
        from studio.config import private_files, sqlite_wal  # noqa: F401  (registers its check)
        from studio.models import key_lookups

        key_lookups.register()
        sqlite_wal.connect(self)
