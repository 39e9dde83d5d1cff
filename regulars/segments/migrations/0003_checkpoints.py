from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("segments", "0002_saved_segments")]
    operations = [sql_file(__file__, "0003_checkpoints.sql")]
