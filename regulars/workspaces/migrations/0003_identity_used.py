"""When a project's identity secret first signed something: from then on signatures are demanded."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0002_cache")]
    operations = [
        migrations.AddField(
            model_name="project",
            name="identity_used_at",
            field=models.DateTimeField(null=True),
        ),
    ]
