"""Accounts say whether they may call into private networks. Those that do so by their address are
the word of staff, or of a site that others do not reach: nobody else could enter one."""

import ipaddress
from urllib.parse import urlsplit

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def _is_private(base_url: str) -> bool:
    """Told by the address alone. Plain http was only ever taken when every address of the name was
    private, which others than staff could not enter; a name with https may be anybody's."""
    try:
        parts = urlsplit(base_url)
        if parts.scheme == "http" or parts.hostname == "localhost":
            return True
        return not ipaddress.ip_address(parts.hostname or "").is_global
    except ValueError:
        return False


def allow_what_is_private(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    rows = apps.get_model("jobs", "Account").objects.using(schema_editor.connection.alias)
    own = rows.exclude(base_url="").values_list("pk", "base_url")
    rows.filter(pk__in=[pk for pk, url in own if _is_private(url)]).update(private_network=True)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0011_reconcile_from")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="private_network",
            field=models.BooleanField(
                default=False,
                help_text="Calls to the base address and downloads of its results may go to this "
                "machine and private networks. Only staff may say so, of a service that they know.",
                verbose_name="may be in a private network",
            ),
        ),
        migrations.RunPython(allow_what_is_private, migrations.RunPython.noop, elidable=True),
    ]
