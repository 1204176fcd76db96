"""Fields get plainer names; their columns stay, so the database is left as it is."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def renamed(model, old, new, field):
    """`old` of `model` is called `new` from now on; `field` as it was, with its column's name."""
    return [
        migrations.AlterField(model_name=model, name=old, field=field),
        migrations.RenameField(model_name=model, old_name=old, new_name=new),
    ]


def pause_fields(model):
    state = [('open', 'open'), ('paused', 'paused'), ('draining', 'draining')]
    return [
        *renamed(
            model, 'gate', 'pause_state',
            models.CharField(choices=state, db_column='gate', default='open', max_length=8),
        ),
        *renamed(
            model, 'gate_by', 'pause_set_by',
            models.ForeignKey(
                blank=True, db_column='gate_by_id', null=True,
                on_delete=django.db.models.deletion.SET_NULL, related_name='+',
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        *renamed(
            model, 'gate_at', 'pause_set_at',
            models.DateTimeField(blank=True, db_column='gate_at', null=True),
        ),
    ]


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('jobs', '0007_sentences'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                *pause_fields('account'),
                *pause_fields('lane'),
                *renamed(
                    'lane', 'rings', 'wakeups',
                    models.BigIntegerField(db_column='rings', default=0),
                ),
                *renamed(
                    'account', 'told_at', 'notified_at',
                    models.DateTimeField(
                        blank=True, db_column='told_at', null=True,
                        help_text='when its owners were told of the present trouble',
                    ),
                ),
                *renamed(
                    'account', 'told_apart', 'different_from',
                    models.JSONField(
                        blank=True, db_column='told_apart', default=list,
                        help_text='ids of accounts that are proven to be others',
                    ),
                ),
                migrations.AlterField(
                    model_name='account',
                    name='same_as',
                    field=models.ForeignKey(
                        blank=True, help_text='whose tasks its keys see', null=True,
                        on_delete=django.db.models.deletion.SET_NULL, related_name='shared_by',
                        to='jobs.account',
                    ),
                ),
                *renamed(
                    'job', 'told_ready_at', 'forecast_ready_at',
                    models.DateTimeField(
                        blank=True, db_column='told_ready_at', help_text='at the click', null=True,
                    ),
                ),
                *renamed(
                    'job', 'told_late_at', 'forecast_late_at',
                    models.DateTimeField(
                        blank=True, db_column='told_late_at', null=True,
                        help_text='at the click: nine of ten are ready by then',
                    ),
                ),
                *renamed(
                    'job', 'told_sent_at', 'forecast_at_submit',
                    models.DateTimeField(
                        blank=True, db_column='told_sent_at', null=True,
                        help_text='when the service took it',
                    ),
                ),
            ],
        ),
    ]
