from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("segments", "0006_windows")]
    operations = [sql_file(__file__, "0007_remembering.sql")]
