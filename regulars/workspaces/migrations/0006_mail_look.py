"""How a project's mails look: its colour, and its logo with the width it is shown at."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0005_project_removal")]
    operations = [
        migrations.AddField(
            model_name="project",
            name="mail_color",
            field=models.CharField(blank=True, db_default="", default="", max_length=7),
        ),
        migrations.AddField(
            model_name="project",
            name="mail_logo",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="project",
            name="mail_logo_width",
            field=models.PositiveSmallIntegerField(db_default=140, default=140),
        ),
    ]
