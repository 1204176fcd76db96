"""Addresses count from now on only when they are confirmed. Those of staff were given by whoever
runs the site, so they count; everybody else confirms theirs at the next sign-in, by mail."""

from django.db import migrations


def confirm_staff(apps, schema_editor):
    User = apps.get_model("studio", "User")
    EmailAddress = apps.get_model("account", "EmailAddress")
    for user in User.objects.filter(is_staff=True).exclude(email="").order_by("pk"):
        email = user.email.lower()
        taken = EmailAddress.objects.filter(email=email, verified=True).exclude(user=user)
        if taken.exists():
            continue
        EmailAddress.objects.filter(user=user, primary=True).exclude(email=email).update(
            primary=False
        )
        EmailAddress.objects.update_or_create(
            user=user, email=email, defaults={"verified": True, "primary": True}
        )


class Migration(migrations.Migration):

    dependencies = [
        ("studio", "0006_mail_and_sign_ups"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(confirm_staff, migrations.RunPython.noop)]
