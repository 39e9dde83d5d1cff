from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("people", "0008_checkpoints")]
    operations = [sql_file(__file__, "0009_imports.sql")]
