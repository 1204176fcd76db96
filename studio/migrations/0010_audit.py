"""The trail, which the database lets nobody change from the start."""

import django.db.models.deletion
import studio.common.clock
from django.conf import settings
from django.db import migrations, models

from studio.models.audit import GUARDS


def protect(apps, schema_editor):
    for guard in GUARDS:
        guard.protect(schema_editor.connection)


def unprotect(apps, schema_editor):
    for guard in GUARDS:
        guard.unprotect(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ('studio', '0009_billing_role'),
    ]

    operations = [
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('person_id', models.BigIntegerField(unique=True, verbose_name='person')),
                ('pseudonym', models.CharField(max_length=40, unique=True, verbose_name='pseudonym')),
                ('at', models.DateTimeField(default=studio.common.clock.now, verbose_name='when')),
            ],
            options={
                'verbose_name': 'erasure',
                'verbose_name_plural': 'erasures',
                'ordering': ('-at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=studio.common.clock.now, verbose_name='when')),
                ('event', models.CharField(max_length=60, verbose_name='event')),
                ('kind', models.CharField(max_length=20, verbose_name='kind')),
                ('team_name', models.CharField(blank=True, max_length=80, verbose_name='name of the team')),
                ('by_name', models.CharField(blank=True, max_length=400, verbose_name='who')),
                ('person_name', models.CharField(blank=True, max_length=400, verbose_name='whom')),
                ('about', models.CharField(blank=True, max_length=300, verbose_name='what')),
                ('before', models.JSONField(default=dict, verbose_name='before')),
                ('after', models.JSONField(default=dict, verbose_name='after')),
                ('personal', models.JSONField(default=dict, verbose_name='personal values')),
                ('via', models.CharField(choices=[('page', 'on a page'), ('upload', 'by an upload'), ('admin', 'in the admin'), ('token', 'with a token'), ('command', 'at the console'), ('worker', 'by a worker')], max_length=10, verbose_name='way')),
                ('through', models.CharField(blank=True, max_length=80, verbose_name='command or token')),
                ('address', models.CharField(blank=True, max_length=45, verbose_name='address')),
                ('sign_in', models.CharField(blank=True, max_length=16, verbose_name='sign-in')),
                ('copy', models.BooleanField(default=False, verbose_name='copy for a team')),
                ('by', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('team', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='audit', to='studio.team')),
            ],
            options={
                'verbose_name': 'entry of the trail',
                'verbose_name_plural': 'trail',
                'ordering': ('-at', '-id'),
                'indexes': [models.Index(fields=['team', 'at', 'id'], name='audit_team'), models.Index(fields=['team', 'kind', 'at', 'id'], name='audit_team_kind'), models.Index(fields=['team', 'by', 'at', 'id'], name='audit_team_by'), models.Index(fields=['team', 'by', 'kind', 'at', 'id'], name='audit_team_by_kind'), models.Index(fields=['team', 'person', 'at', 'id'], name='audit_team_person'), models.Index(fields=['team', 'person', 'kind', 'at', 'id'], name='audit_team_person_kind'), models.Index(fields=['at', 'id'], name='audit_site'), models.Index(fields=['kind', 'at', 'id'], name='audit_site_kind'), models.Index(fields=['by', 'at', 'id'], name='audit_site_by'), models.Index(fields=['person', 'at', 'id'], name='audit_site_person')],
            },
        ),
        migrations.RunPython(protect, unprotect),
    ]
