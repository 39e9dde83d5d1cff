"""Whether openings and clicks of a project's mail are tracked, unless an email says otherwise."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0003_identity_used")]
    operations = [
        migrations.AddField(
            model_name="project",
            name="track_mail",
            field=models.BooleanField(default=True, db_default=True),
        ),
    ]
