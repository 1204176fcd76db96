"""What was settled so far is counted for the key that its attempt names. Where none does, as of
checks and of tasks made elsewhere, nobody knows any more. The statements stay as they are when
jobs/billing/balances.py changes: they fit the tables of this migration."""

from django.db import migrations

from jobs.billing import append_only

# The key of a job's last attempt: the earlier ones made nothing and cost nothing.
NAMED = """
    UPDATE jobs_ledgerentry SET key_id = (
        SELECT attempt.key_id FROM jobs_attempt AS attempt
        WHERE attempt.job_id = jobs_ledgerentry.job_id ORDER BY attempt.number DESC LIMIT 1
    )
    WHERE kind IN ('settle', 'adjust') AND job_id IS NOT NULL AND key_id IS NULL
"""
SUMMED = """
    INSERT INTO jobs_keyuse (key_id, month, currency, settled, entries, jobs, milliseconds, checks)
    SELECT key_id, month, currency, SUM(settled), COUNT(*),
        SUM(CASE WHEN kind = 'settle' AND job_id IS NOT NULL THEN 1 ELSE 0 END),
        SUM(CASE WHEN kind = 'settle' AND job_id IS NOT NULL
            THEN CAST(ROUND(COALESCE(units, 0) * 1000) AS BIGINT) ELSE 0 END),
        SUM(CASE WHEN kind = 'settle' AND check_asked_id IS NOT NULL THEN 1 ELSE 0 END)
    FROM jobs_ledgerentry
    WHERE key_id IS NOT NULL
    GROUP BY key_id, month, currency
"""


def fill(apps, schema_editor):
    line = schema_editor.connection
    with line.cursor() as cursor:
        if line.vendor == "postgresql":
            # Whoever still writes entries waits.
            cursor.execute("LOCK TABLE jobs_ledgerentry IN ACCESS EXCLUSIVE MODE")
        append_only.unprotect(line)
        cursor.execute(NAMED)
        if line.vendor == "postgresql":
            # What an update leaves to be tested at the end would keep the triggers from being made.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        append_only.protect(line)
        apps.get_model("jobs", "KeyUse").objects.all().delete()
        cursor.execute(SUMMED)


class Migration(migrations.Migration):

    dependencies = [
        ("jobs", "0022_keys_and_connections"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
