"""The app of what gets made."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class JobsConfig(AppConfig):
    name = "jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        from jobs.billing.append_only import protect_after_migrate
        from jobs.billing.seed_prices import seed
        from jobs.common.queue_entries import forbid_pickles

        forbid_pickles()
        post_migrate.connect(seed, sender=self)
        post_migrate.connect(protect_after_migrate, sender=self)
