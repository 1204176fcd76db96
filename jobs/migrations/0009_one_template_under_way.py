"""One template of one video at a time on one account; those under way now are named by their
video."""

from django.db import migrations, models

OPEN = ("queued", "submitting", "uncertain", "running", "archiving")


def name_what_is_made(apps, schema_editor):
    """Only the oldest of several that are under way for the same video: the others were paid by
    clicks of before and run to their end."""
    Job = apps.get_model("jobs", "Job")
    JobInput = apps.get_model("jobs", "JobInput")
    making = JobInput.objects.filter(job__state__in=OPEN, job__model__contains="template")
    seen = set()
    for row in making.order_by("job_id").select_related("job", "asset"):
        what = (row.job.account_id, row.job.model, row.asset.sha256)
        if what not in seen:
            seen.add(what)
            Job.objects.filter(pk=row.job_id).update(made_from=row.asset.sha256)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0008_plain_names")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="made_from",
            field=models.CharField(
                blank=True,
                editable=False,
                help_text="of a template job: the SHA-256 of the video that it is made from",
                max_length=64,
            ),
        ),
        migrations.RunPython(name_what_is_made, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("made_from", ""), _negated=True)
                & models.Q(("state__in", [*OPEN])),
                fields=("account", "model", "made_from"),
                name="one_template_under_way",
            ),
        ),
    ]
