"""The balances of what the ledger has already. The statements stay as they are when
jobs/billing/balances.py changes: they fit the tables of this migration."""

from django.db import migrations

BALANCES = """
    INSERT INTO jobs_balance (team_id, month, member_id, currency, model, of_holds, held, settled,
        entries, releases, jobs, milliseconds, checks, checks_settled)
    SELECT team_id, month, member_id, currency, model, kind = 'hold', SUM(held), SUM(settled),
        COUNT(*), SUM(CASE WHEN kind = 'release' THEN 1 ELSE 0 END),
        SUM(CASE WHEN kind = 'settle' AND job_id IS NOT NULL THEN 1 ELSE 0 END),
        SUM(CASE WHEN kind = 'settle' AND job_id IS NOT NULL
            THEN CAST(ROUND(COALESCE(units, 0) * 1000) AS BIGINT) ELSE 0 END),
        SUM(CASE WHEN kind = 'settle' AND check_asked_id IS NOT NULL THEN 1 ELSE 0 END),
        SUM(CASE WHEN check_asked_id IS NOT NULL THEN settled ELSE 0 END)
    FROM jobs_ledgerentry
    GROUP BY team_id, month, member_id, currency, model, kind = 'hold'
"""
DAYS = """
    INSERT INTO jobs_daybalance (team_id, month, day, model, price_id, settled, milliunits)
    SELECT team_id, month, {day}, model, price_id, SUM(settled),
        SUM(CAST(ROUND(COALESCE(units, 0) * 1000) AS BIGINT))
    FROM jobs_ledgerentry
    WHERE kind IN ('settle', 'adjust')
    GROUP BY team_id, month, {day}, model, price_id
"""
DAY = {"sqlite": "date(created_at)", "postgresql": "CAST(created_at AT TIME ZONE 'UTC' AS date)"}


def fill(apps, schema_editor):
    line = schema_editor.connection
    with line.cursor() as cursor:
        if line.vendor == "postgresql":
            # Whoever still writes entries waits.
            cursor.execute("LOCK TABLE jobs_ledgerentry IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(BALANCES)
        cursor.execute(DAYS.format(day=DAY[line.vendor]))


def empty(apps, schema_editor):
    apps.get_model("jobs", "Balance").objects.all().delete()
    apps.get_model("jobs", "DayBalance").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ("jobs", "0013_balances"),
    ]

    operations = [
        migrations.RunPython(fill, empty),
    ]
