"""Where it stands that a project is being deleted, and that one was."""

from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0004_track_mail")]
    operations = [sql_file(__file__, "0005_project_removal.sql")]
