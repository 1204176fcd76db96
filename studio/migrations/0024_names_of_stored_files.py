from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("studio", "0023_mail_when_ready"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(fields=["file"], name="asset_file"),
        ),
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(fields=["thumb"], name="asset_thumb"),
        ),
    ]
