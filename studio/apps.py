"""The app of who is here and with which files."""

from django.apps import AppConfig


class StudioConfig(AppConfig):
    name = "studio"
    verbose_name = "Studio"

    def ready(self) -> None:
        from django.conf import settings

        from studio.config import private_files, sqlite_wal  # noqa: F401  (registers its check)
        from studio.media import decoders
        from studio.models import key_lookups

        key_lookups.register()
        sqlite_wal.connect(self)
        decoders.configure(settings.DECODERS, settings.DECODER_MEMORY_MB)
