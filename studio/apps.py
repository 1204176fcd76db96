"""The app of who is here and with which files."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class StudioConfig(AppConfig):
    name = "studio"
    verbose_name = "Studio"

    def ready(self) -> None:
        from django.conf import settings

        from studio.config import private_files, sqlite_wal  # noqa: F401  (registers its check)
        from studio.media import decoders
        from studio.models import key_lookups
        from studio.models.audit import GUARDS
        from studio.teams import sign_in_trail  # noqa: F401  (receives the signals of sign-ins)

        key_lookups.register()
        for guard in GUARDS:
            post_migrate.connect(guard.protect_after_migrate, sender=self)
        sqlite_wal.connect(self)
        decoders.configure(settings.DECODERS, settings.DECODER_MEMORY_MB)
