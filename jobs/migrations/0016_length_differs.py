"""Films that are not as long as billed get a mark, those of before too."""

from django.db import migrations, models


def mark(apps, schema_editor):
    """As `jobs.engine.film_length.differs` was when this was written."""
    job = apps.get_model("jobs", "Job")
    rows = job.objects.filter(state="succeeded", billed_units__gt=0, result__isnull=False)
    found = []
    columns = ("pk", "billed_units", "result__milliseconds")
    for pk, billed, milliseconds in rows.order_by().values_list(*columns).iterator(2000):
        length = float(billed)
        if milliseconds and abs(milliseconds / 1000 - length) > max(0.5, 0.05 * length):
            found.append(pk)
    for at in range(0, len(found), 500):
        job.objects.filter(pk__in=found[at : at + 500]).update(length_differs=True)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0015_ledger_append_only")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="length_differs",
            field=models.BooleanField(
                default=False, help_text="its film is shorter or longer than what was billed"
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                fields=["team", "-id"],
                condition=models.Q(("length_differs", True)),
                name="job_length_differs",
            ),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
