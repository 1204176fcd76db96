"""The database refuses to change or delete ledger entries from here on."""

from django.db import migrations

from jobs.billing import append_only


def protect(apps, schema_editor):
    append_only.protect(schema_editor.connection)


def unprotect(apps, schema_editor):
    append_only.unprotect(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ("jobs", "0014_fill_balances"),
    ]

    operations = [
        migrations.RunPython(protect, unprotect),
    ]
